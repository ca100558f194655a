//! Text to chunk, or to the first syntax error in words a user can act on.

use full_moon::ast::Ast;
use full_moon::tokenizer::{Token, TokenKind};
use full_moon::{Error, LuaVersion};

use super::scan::{Scan, scan};
use super::{Chunk, Span, lower};

/// Why a file could not be read.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) wanted: Option<String>,
    pub(crate) found: Option<String>,
    pub(crate) help: Option<String>,
    /// Not wrong, only beyond what the checker reads.
    pub(crate) unchecked: bool,
}

/// What people who come from other languages write, and what Lua says.
const HABITS: [(&str, &str); 9] = [
    ("+=", "Lua has no `+=`: write `x = x + 1`"),
    ("-=", "Lua has no `-=`: write `x = x - 1`"),
    ("*=", "Lua has no `*=`: write `x = x * 2`"),
    ("/=", "Lua has no `/=`: write `x = x / 2`"),
    ("++", "Lua has no `++`: write `x = x + 1`"),
    ("//", "a comment begins with `--`"),
    ("&&", "Lua writes `and`"),
    ("||", "Lua writes `or`"),
    ("else if", "`else if` needs an `end` of its own: `elseif` does not"),
];

/// Reads a file. Recursive: the caller provides the stack.
pub(crate) fn parse(text: &str) -> Result<Chunk, SyntaxError> {
    // The parser is not ours, and a file that it cannot stand must not end the program.
    let read = std::panic::catch_unwind(|| read(text));
    read.unwrap_or_else(|_| {
        let message = "the parser gave up on this file: it is not checked".into();
        Err(SyntaxError { unchecked: true, ..SyntaxError::plain(Span::default(), message) })
    })
}

fn read(text: &str) -> Result<Chunk, SyntaxError> {
    let scan = scan(text)?;
    let ast: Ast =
        full_moon::parse_fallible(&scan.text, LuaVersion::lua54()).into_result().map_err(|errors| {
            match errors.into_iter().next() {
                Some(Error::AstError(error)) => describe(&scan, text, error.token(), error.error_message()),
                Some(error @ Error::TokenizerError(_)) => {
                    let (start, end) = error.range();
                    let span = Span { start: start.bytes(), end: end.bytes() };
                    SyntaxError::plain(span, error.error_message().into_owned())
                }
                None => SyntaxError::plain(Span::default(), "syntax error".into()),
            }
        })?;
    Ok(lower::lower(&ast))
}

impl SyntaxError {
    fn plain(span: Span, message: String) -> SyntaxError {
        SyntaxError { span, message, wanted: None, found: None, help: None, unchecked: false }
    }
}

fn describe(scan: &Scan, text: &str, token: &Token, parser_says: &str) -> SyntaxError {
    let named = Span { start: token.start_position().bytes(), end: token.end_position().bytes() };
    let wanted = parser_says
        .strip_prefix("expected ")
        .map(|wanted| wanted.replace("function body block", "the function"));
    let span = culprit(scan, text, named, token, wanted.as_deref());
    let found = found_at(text, span);
    let message = match &wanted {
        Some(_) => format!("syntax error near {found}"),
        None if parser_says.starts_with("unexpected statement after") => {
            "`return` must be the last statement of its block".into()
        }
        None => format!("syntax error: {found} cannot stand here"),
    };
    let help = help_for(scan, text, span, wanted.as_deref());
    SyntaxError { span, message, found: wanted.is_some().then_some(found), wanted, help, unchecked: false }
}

/// The parser names the token before a missing expression; the one after it is what was found.
fn culprit(scan: &Scan, text: &str, named: Span, token: &Token, wanted: Option<&str>) -> Span {
    let names_the_one_before = wanted.is_some_and(|wanted| {
        wanted.starts_with("an expression")
            || wanted.starts_with("values")
            || wanted.starts_with("arguments")
            || (wanted.starts_with("`)`") && &text[named.start..named.end] == "(")
    });
    if token.token_kind() == TokenKind::Eof {
        return after_last(scan);
    }
    if !names_the_one_before {
        return named;
    }
    match scan.tokens.iter().copied().find(|span| span.start >= named.end) {
        Some(next) if next.start < next.end => next,
        _ => after_last(scan),
    }
}

/// The end of the file, without the empty lines before it.
fn after_last(scan: &Scan) -> Span {
    let end = scan.tokens.iter().rev().find(|span| span.start < span.end).map_or(0, |span| span.end);
    Span { start: end, end }
}

fn found_at(text: &str, span: Span) -> String {
    match text.get(span.start..span.end).and_then(|text| text.lines().next()) {
        None | Some("") => "the end of the file".into(),
        Some(token) => format!("`{token}`"),
    }
}

fn help_for(scan: &Scan, text: &str, span: Span, wanted: Option<&str>) -> Option<String> {
    let near = &text[span.start.saturating_sub(1).min(text.len())..].trim_start();
    let habit =
        HABITS.iter().find(|(sign, _)| near.starts_with(sign) || text[span.start..].starts_with(sign));
    if let Some((_, help)) = habit {
        return Some((*help).to_owned());
    }
    if text.get(span.start..span.end) == Some("=")
        && wanted.is_some_and(|wanted| wanted.contains("condition"))
    {
        return Some("`=` assigns: `==` compares".into());
    }
    let opener = scan.unclosed.filter(|_| span.start == span.end)?;
    let line = text[..opener.start].matches('\n').count() + 1;
    Some(format!("`{}` of line {line} is not closed", &text[opener.start..opener.end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepts(text: &str) {
        if let Err(error) = parse(text) {
            panic!("{text:?}: {error:?}");
        }
    }

    #[track_caller]
    fn refuses(text: &str, place: usize, message: &str) {
        let error = parse(text).expect_err(text);
        assert_eq!((error.span.start, error.message.as_str()), (place, message), "{error:?}");
    }

    #[test]
    fn all_of_lua_is_accepted() {
        accepts(";;; local x = 1;; do ; end ;");
        accepts("local x <const>, y <close> = 1, nil");
        accepts("#!/usr/bin/lua\nlocal x = 1");
        accepts("# not a shebang\nlocal x = 1");
        accepts("\u{feff}local x = 1");
        accepts("while true do break; local x end");
        accepts("while true do break local x end");
        accepts("while true do if x then break end end repeat break until true");
        accepts("local f = function() ; return 1; end;\n(g or f)()");
        accepts("if a then ; elseif b then ; else ; end");
        accepts("goto done; ::done::; ::again:: ;");
        accepts("for i = 1, 3 do goto continue ::continue:: end");
        accepts("local n = 0x1p4 + 0x.8 + 3e-2 + .5 + 5. + 7 // 2 ~ 3 >> 1 << 2 & 1 | ~0");
        accepts("local a = b.c['d']:e 'x' {1}[2].f(...)");
        accepts("local t = {1;2;a=3,['b']=4;}");
        accepts("local s = [==[ ]] ]==] --[[ c ]] local y --[=[ ]] ]=]");
    }

    #[test]
    fn the_statement_after_a_function_value_stays_apart() {
        let chunk = parse("local f = function() end;\n(g)()").unwrap();
        let calls =
            chunk.exprs.iter().filter(|e| matches!(e.kind, super::super::ExprKind::Call { .. })).count();
        assert_eq!(calls, 1);
        assert!(matches!(chunk.exprs[0].kind, super::super::ExprKind::Function(_)));
    }

    #[test]
    fn errors_name_what_was_found() {
        refuses("local x =\nlocal y = 1", 10, "syntax error near `local`");
        refuses("if x == 1 thn y = 1 end", 10, "syntax error near `thn`");
        refuses("function f()\n local x = 1\n", 25, "syntax error near the end of the file");
        refuses("local 名 = 1", 6, "`名` may stand only in strings and comments");
        refuses("x = 'abc\ny = 2", 4, "a string has no closing quote on its line");
        refuses("x = `abc`", 4, "``` means nothing in Lua");
        refuses("end", 0, "syntax error: `end` cannot stand here");
    }

    #[test]
    fn errors_know_the_habits_of_other_languages() {
        assert_eq!(parse("x += 1").unwrap_err().help.as_deref(), Some(HABITS[0].1));
        assert_eq!(parse("// hello").unwrap_err().help.as_deref(), Some(HABITS[5].1));
        assert_eq!(
            parse("if x = 1 then end").unwrap_err().help.as_deref(),
            Some("`=` assigns: `==` compares")
        );
        let unclosed = parse("function f()\n  if x then\n  end\n").unwrap_err();
        assert_eq!(unclosed.help.as_deref(), Some("`function` of line 1 is not closed"));
    }

    #[test]
    fn hostile_nesting_is_refused() {
        for opener in ["(", "{", "f(", "a[", "function f() ", "if x then ", "do ", "repeat "] {
            let error = parse(&format!("x = 1 {}", opener.repeat(100_000))).unwrap_err();
            assert!(error.message.contains("nested deeper"), "{opener}: {error:?}");
        }
        for operator in ["- ", "not ", "1 .. ", "1 + ", "2 ^ "] {
            let error = parse(&format!("x = {}1", operator.repeat(100_000))).unwrap_err();
            assert!(error.unchecked, "{operator}: {error:?}");
        }
    }
}
