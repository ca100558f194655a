//! The Lua expressions that vectors give values as: literals, tables, operators, a few functions of the library, and
//! what a function needs to build a table in a loop. Anything else is an error, so no vector passes unread.

mod run;
mod source;
mod syntax;

use std::cell::RefCell;
use std::rc::Rc;

pub(super) use run::evaluate;
pub(super) use source::TableSource;

use syntax::Function;

#[derive(Clone)]
pub(crate) enum Lua {
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(Rc<[u8]>),
    Table(Table),
    Closure(Rc<Function>, run::Scope),
    Native(run::Native),
}

/// Entries in the order they were made.
pub(crate) type Table = Rc<RefCell<Vec<(Lua, Lua)>>>;

impl Lua {
    fn text(text: impl AsRef<[u8]>) -> Lua {
        Lua::Text(text.as_ref().into())
    }

    fn kind(&self) -> &'static str {
        match self {
            Lua::Nil => "nil",
            Lua::Boolean(_) => "a boolean",
            Lua::Integer(_) | Lua::Float(_) => "a number",
            Lua::Text(_) => "a string",
            Lua::Table(_) => "a table",
            Lua::Closure(..) | Lua::Native(_) => "a function",
        }
    }

    fn is_true(&self) -> bool {
        !matches!(self, Lua::Nil | Lua::Boolean(false))
    }

    /// As `==` and table keys have it.
    fn equals(&self, other: &Lua) -> bool {
        match (self, other) {
            (Lua::Nil, Lua::Nil) => true,
            (Lua::Boolean(a), Lua::Boolean(b)) => a == b,
            (Lua::Integer(a), Lua::Integer(b)) => a == b,
            (Lua::Float(a), Lua::Float(b)) => a == b,
            (Lua::Integer(a), Lua::Float(b)) | (Lua::Float(b), Lua::Integer(a)) => *a as f64 == *b,
            (Lua::Text(a), Lua::Text(b)) => a == b,
            (Lua::Table(a), Lua::Table(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    fn index(&self, key: &Lua) -> Lua {
        let Lua::Table(table) = self else { return Lua::Nil };
        let found =
            table.borrow().iter().find(|(other, _)| other.equals(key)).map(|(_, value)| value.clone());
        found.unwrap_or(Lua::Nil)
    }

    fn set(&self, key: Lua, value: Lua) -> Result<(), String> {
        let Lua::Table(table) = self else { return Err(format!("attempt to index {}", self.kind())) };
        let mut entries = table.borrow_mut();
        entries.retain(|(other, _)| !other.equals(&key));
        if !matches!(value, Lua::Nil) {
            entries.push((key, value));
        }
        Ok(())
    }

    /// The border that counting up from 1 finds.
    fn length(&self) -> Result<i64, String> {
        match self {
            Lua::Text(text) => Ok(text.len() as i64),
            Lua::Table(_) => Ok((1..).find(|at| !self.index(&Lua::Integer(*at)).is_some()).unwrap_or(1) - 1),
            _ => Err(format!("attempt to get the length of {}", self.kind())),
        }
    }

    fn is_some(&self) -> bool {
        !matches!(self, Lua::Nil)
    }

    fn float(&self) -> Result<f64, String> {
        match self {
            Lua::Integer(value) => Ok(*value as f64),
            Lua::Float(value) => Ok(*value),
            _ => Err(format!("attempt to perform arithmetic on {}", self.kind())),
        }
    }
}

#[test]
fn expressions_are_read_as_lua_reads_them() {
    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let wanted = evaluate(expected).expect("a literal");
        let found = evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert!(found.equals(&wanted), "{expression} is no {expected}");
    }
    check("1 + 2 * 3 ^ 2 - -4", "23.0");
    check("7 // 2 .. 'x' .. 2.5", "'3x2.5'");
    check("2^53 == 9007199254740992 and 'yes' or 'no'", "'yes'");
    check("#'a\\n\\065\\x42' + #{1, 2, nil, 4}", "6");
    check("({a = {[3] = 'deep'}}).a[3]", "'deep'");
    check("('ab'):rep(3) == string.rep('ab', 3)", "true");
    check("0x10 + 1e2 + .5", "116.5");
    check("9223372036854775808 == 2^63 and math.maxinteger > 0", "true");
    check(
        "(function(n) local s = 0 for i = 1, n do if i % 2 == 0 then s = s + i end end return s end)(10)",
        "30",
    );
    check("(function() local t = {} while #t < 5 do t[#t + 1] = #t end return #t end)()", "5");
    assert!(evaluate("0/0").is_ok_and(|value| !value.equals(&value)));
    for wrong in ["1 +", "{", "'open", "unheard_of", "(1)()", "{} + 1", "1 2"] {
        assert!(evaluate(wrong).is_err(), "{wrong}");
    }
}
