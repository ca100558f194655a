//! Runs the tree.

use std::cell::RefCell;
use std::rc::Rc;

use crate::lua::Lua;
use crate::lua::syntax::{Expr, Function, Stat, parse};

pub(crate) type Native = fn(&[Lua]) -> Result<Lua, String>;

/// The variables of a block, and those around it.
#[derive(Clone, Default)]
pub(crate) struct Scope(Rc<Block>);

#[derive(Default)]
struct Block {
    variables: RefCell<Vec<(String, Lua)>>,
    around: Option<Scope>,
}

/// The value of an expression.
pub(crate) fn evaluate(text: &str) -> Result<Lua, String> {
    eval(&parse(text)?, &Scope::default())
}

impl Scope {
    fn inner(&self) -> Scope {
        Scope(Rc::new(Block { variables: RefCell::default(), around: Some(self.clone()) }))
    }

    fn declare(&self, name: &str, value: Lua) {
        self.0.variables.borrow_mut().push((name.to_owned(), value));
    }

    fn find(&self, name: &str) -> Option<Lua> {
        let variables = self.0.variables.borrow();
        let found = variables.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        found.or_else(|| self.0.around.as_ref()?.find(name))
    }

    fn assign(&self, name: &str, value: Lua) -> Result<(), String> {
        let mut variables = self.0.variables.borrow_mut();
        match (variables.iter_mut().rev().find(|(other, _)| other == name), &self.0.around) {
            (Some((_, place)), _) => *place = value,
            (None, Some(around)) => return around.assign(name, value),
            (None, None) => return Err(format!("no local variable {name}")),
        }
        Ok(())
    }
}

fn eval(expr: &Expr, scope: &Scope) -> Result<Lua, String> {
    Ok(match expr {
        Expr::Nil => Lua::Nil,
        Expr::Boolean(value) => Lua::Boolean(*value),
        Expr::Integer(value) => Lua::Integer(*value),
        Expr::Float(value) => Lua::Float(*value),
        Expr::Text(text) => Lua::Text(text.clone()),
        Expr::Function(function) => Lua::Closure(function.clone(), scope.clone()),
        Expr::Name(name) => scope.find(name).map_or_else(|| global(name), Ok)?,
        Expr::Table(entries) => table(entries, scope)?,
        Expr::Index(base, key) => match (eval(base, scope)?, eval(key, scope)?) {
            (base @ Lua::Table(_), key) => base.index(&key),
            (base, _) => return Err(format!("attempt to index {}", base.kind())),
        },
        Expr::Call(called, arguments) => call(&eval(called, scope)?, evaluated(arguments, scope)?)?,
        Expr::Method(base, name, arguments) => {
            let base = eval(base, scope)?;
            let called = match &base {
                Lua::Text(_) => global("string")?.index(&Lua::text(name)),
                other => other.index(&Lua::text(name)),
            };
            let mut all = vec![base];
            all.extend(evaluated(arguments, scope)?);
            call(&called, all)?
        }
        Expr::Unary(operator, value) => unary(operator, eval(value, scope)?)?,
        Expr::Binary("and", left, right) => match eval(left, scope)? {
            left if left.is_true() => eval(right, scope)?,
            left => left,
        },
        Expr::Binary("or", left, right) => match eval(left, scope)? {
            left if left.is_true() => left,
            _ => eval(right, scope)?,
        },
        Expr::Binary(operator, left, right) => binary(operator, eval(left, scope)?, eval(right, scope)?)?,
    })
}

fn evaluated(list: &[Expr], scope: &Scope) -> Result<Vec<Lua>, String> {
    list.iter().map(|expr| eval(expr, scope)).collect()
}

fn table(entries: &[(Option<Expr>, Expr)], scope: &Scope) -> Result<Lua, String> {
    let table = Lua::Table(Rc::default());
    let mut index = 0;
    for (key, value) in entries {
        let key = match key {
            Some(key) => eval(key, scope)?,
            None => {
                index += 1;
                Lua::Integer(index)
            }
        };
        table.set(key, eval(value, scope)?)?;
    }
    Ok(table)
}

fn call(called: &Lua, arguments: Vec<Lua>) -> Result<Lua, String> {
    match called {
        Lua::Native(native) => native(&arguments),
        Lua::Closure(function, scope) => {
            let Function { parameters, body } = &**function;
            let scope = scope.inner();
            let mut arguments = arguments.into_iter();
            for name in parameters {
                scope.declare(name, arguments.next().unwrap_or(Lua::Nil));
            }
            Ok(run(body, &scope)?.unwrap_or(Lua::Nil))
        }
        other => Err(format!("attempt to call {}", other.kind())),
    }
}

/// `Some` when a `return` was reached.
fn run(body: &[Stat], scope: &Scope) -> Result<Option<Lua>, String> {
    for stat in body {
        let returned = match stat {
            Stat::Local(names, values) => {
                let mut values = evaluated(values, scope)?.into_iter();
                names.iter().for_each(|name| scope.declare(name, values.next().unwrap_or(Lua::Nil)));
                None
            }
            Stat::Assign(targets, values) => {
                let mut values = evaluated(values, scope)?.into_iter();
                for target in targets {
                    assign(target, values.next().unwrap_or(Lua::Nil), scope)?;
                }
                None
            }
            Stat::Call(expr) => eval(expr, scope).map(|_| None)?,
            Stat::For(name, range, body) => count(name, range, body, scope)?,
            Stat::While(condition, body) => loop {
                if !eval(condition, scope)?.is_true() {
                    break None;
                }
                if let Some(value) = run(body, &scope.inner())? {
                    break Some(value);
                }
            },
            Stat::If(arms) => arm(arms, scope)?,
            Stat::Do(body) => run(body, &scope.inner())?,
            Stat::Return(value) => {
                return Ok(Some(value.as_ref().map_or(Ok(Lua::Nil), |value| eval(value, scope))?));
            }
        };
        if returned.is_some() {
            return Ok(returned);
        }
    }
    Ok(None)
}

fn assign(target: &Expr, value: Lua, scope: &Scope) -> Result<(), String> {
    match target {
        Expr::Name(name) => scope.assign(name, value),
        Expr::Index(base, key) => eval(base, scope)?.set(eval(key, scope)?, value),
        _ => Err("cannot assign to this".to_owned()),
    }
}

fn count(name: &str, range: &[Expr; 3], body: &[Stat], scope: &Scope) -> Result<Option<Lua>, String> {
    let bounds = evaluated(range, scope)?;
    let [Lua::Integer(first), Lua::Integer(last), Lua::Integer(step)] = bounds[..] else {
        return Err("a loop counts in integers here".to_owned());
    };
    let mut at = first;
    while if step > 0 { at <= last } else { at >= last } {
        let inner = scope.inner();
        inner.declare(name, Lua::Integer(at));
        let returned = run(body, &inner)?;
        if returned.is_some() {
            return Ok(returned);
        }
        at += step;
    }
    Ok(None)
}

fn arm(arms: &[(Expr, Vec<Stat>)], scope: &Scope) -> Result<Option<Lua>, String> {
    for (condition, body) in arms {
        if eval(condition, scope)?.is_true() {
            return run(body, &scope.inner());
        }
    }
    Ok(None)
}

fn unary(operator: &str, value: Lua) -> Result<Lua, String> {
    match (operator, &value) {
        ("not", value) => Ok(Lua::Boolean(!value.is_true())),
        ("#", value) => value.length().map(Lua::Integer),
        (_, Lua::Integer(value)) => Ok(Lua::Integer(value.wrapping_neg())),
        (_, value) => Ok(Lua::Float(-value.float()?)),
    }
}

fn binary(operator: &str, left: Lua, right: Lua) -> Result<Lua, String> {
    match (operator, &left, &right) {
        ("+", Lua::Integer(a), Lua::Integer(b)) => return Ok(Lua::Integer(a.wrapping_add(*b))),
        ("-", Lua::Integer(a), Lua::Integer(b)) => return Ok(Lua::Integer(a.wrapping_sub(*b))),
        ("*", Lua::Integer(a), Lua::Integer(b)) => return Ok(Lua::Integer(a.wrapping_mul(*b))),
        ("%", Lua::Integer(a), Lua::Integer(b)) if *b > 0 => return Ok(Lua::Integer(a.rem_euclid(*b))),
        ("//", Lua::Integer(a), Lua::Integer(b)) if *b > 0 => return Ok(Lua::Integer(a.div_euclid(*b))),
        ("..", a, b) => return Ok(Lua::text([text(a)?, text(b)?].concat())),
        ("==", a, b) => return Ok(Lua::Boolean(a.equals(b))),
        ("~=", a, b) => return Ok(Lua::Boolean(!a.equals(b))),
        _ => {}
    }
    let (a, b) = (left.float()?, right.float()?);
    Ok(match operator {
        "+" => Lua::Float(a + b),
        "-" => Lua::Float(a - b),
        "*" => Lua::Float(a * b),
        "/" => Lua::Float(a / b),
        "//" => Lua::Float((a / b).floor()),
        "%" => Lua::Float(a - (a / b).floor() * b),
        "^" => Lua::Float(a.powf(b)),
        "<" => Lua::Boolean(a < b),
        "<=" => Lua::Boolean(a <= b),
        ">" => Lua::Boolean(a > b),
        ">=" => Lua::Boolean(a >= b),
        _ => return Err(format!("unknown operator {operator}")),
    })
}

fn text(value: &Lua) -> Result<Vec<u8>, String> {
    match value {
        Lua::Text(text) => Ok(text.to_vec()),
        Lua::Integer(value) => Ok(value.to_string().into_bytes()),
        Lua::Float(value) => Ok(format!("{value:?}").into_bytes()),
        other => Err(format!("attempt to concatenate {}", other.kind())),
    }
}

fn global(name: &str) -> Result<Lua, String> {
    let library: &[(&str, Lua)] = match name {
        "string" => &[("rep", Lua::Native(rep)), ("char", Lua::Native(char))],
        "math" => &[
            ("huge", Lua::Float(f64::INFINITY)),
            ("pi", Lua::Float(std::f64::consts::PI)),
            ("maxinteger", Lua::Integer(i64::MAX)),
            ("mininteger", Lua::Integer(i64::MIN)),
        ],
        "setmetatable" => return Ok(Lua::Native(first)),
        // As values only.
        "print" | "type" | "pairs" | "ipairs" | "next" | "tostring" | "tonumber" | "error" => {
            return Ok(Lua::Native(unknown));
        }
        _ => return Err(format!("no global {name} here")),
    };
    let table = Lua::Table(Rc::default());
    library.iter().try_for_each(|(name, value)| table.set(Lua::text(name), value.clone()))?;
    Ok(table)
}

fn first(arguments: &[Lua]) -> Result<Lua, String> {
    arguments.first().cloned().ok_or_else(|| "an argument is needed".to_owned())
}

fn unknown(_arguments: &[Lua]) -> Result<Lua, String> {
    Err("this function does nothing here".to_owned())
}

fn rep(arguments: &[Lua]) -> Result<Lua, String> {
    match arguments {
        [Lua::Text(text), Lua::Integer(count)] => Ok(Lua::text(text.repeat((*count).max(0) as usize))),
        _ => Err("string.rep takes a string and a count".to_owned()),
    }
}

fn char(arguments: &[Lua]) -> Result<Lua, String> {
    let byte = |argument: &Lua| match argument {
        Lua::Integer(byte) => u8::try_from(*byte).map_err(|error| error.to_string()),
        other => Err(format!("string.char takes numbers, not {}", other.kind())),
    };
    Ok(Lua::text(arguments.iter().map(byte).collect::<Result<Vec<_>, _>>()?))
}
