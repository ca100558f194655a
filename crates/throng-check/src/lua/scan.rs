//! One pass over a file's tokens before it is parsed. It bounds the nesting, so that the recursive parser cannot run
//! out of stack, and rewrites in place, byte for byte, three things that Lua 5.4 allows and the parser does not:
//! a byte order mark or a first line with `#`, empty statements, and a `break` that is not the last of its block.

use full_moon::LuaVersion;
use full_moon::tokenizer::{Lexer, LexerResult, Symbol, Token, TokenType, TokenizerErrorType};

use super::Span;
use super::parse::SyntaxError;

/// As deep as Lua itself goes.
const MOST_LEVELS: usize = 200;
/// Operators of one expression and those around it; Lua has no such limit, the parser's stack has.
const MOST_OPERATORS: usize = 1_000;

/// The text to parse, with the same length and line ends, and the tokens that matter.
pub(super) struct Scan {
    pub(super) text: String,
    pub(super) tokens: Vec<Span>,
    /// The innermost block or bracket that is still open at the end: what opened it.
    pub(super) unclosed: Option<Span>,
}

struct Level {
    symbol: Symbol,
    opener: Span,
    operators: usize,
    /// A `(` that opens the parameters of a function.
    parameters: bool,
}

struct Scanner {
    levels: Vec<Level>,
    operators: usize,
    /// A statement may begin at the next token.
    fresh: bool,
    header: bool,
    pending_break: Option<Span>,
    blanks: Vec<Span>,
    breaks: Vec<Span>,
}

pub(super) fn scan(text: &str) -> Result<Scan, SyntaxError> {
    let mut text = blank_first_line(text);
    let (tokens, spans) = tokenize(&text)?;
    let mut scanner = Scanner {
        levels: Vec::new(),
        operators: 0,
        fresh: true,
        header: false,
        pending_break: None,
        blanks: Vec::new(),
        breaks: Vec::new(),
    };
    for (token, span) in tokens.iter().zip(&spans) {
        scanner.token(token, *span)?;
    }
    let Scanner { blanks, breaks, levels, .. } = scanner;
    for span in blanks {
        text.replace_range(span.start..span.end, " ");
    }
    for span in breaks {
        // A label is as long as `break` and may stand anywhere.
        text.replace_range(span.start..span.end, "::_::");
    }
    Ok(Scan { text, tokens: spans, unclosed: levels.last().map(|level| level.opener) })
}

fn blank_first_line(text: &str) -> String {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut blank = text.len() - body.len();
    if body.starts_with('#') {
        blank += body.find('\n').unwrap_or(body.len());
    }
    format!("{}{}", " ".repeat(blank), &text[blank..])
}

fn tokenize(text: &str) -> Result<(Vec<Token>, Vec<Span>), SyntaxError> {
    let mut lexer = Lexer::new_lazy(text, LuaVersion::lua54());
    let mut tokens = Vec::new();
    let mut spans = Vec::new();
    let mut at = 0;
    loop {
        // The lexer takes this one for a quote of a dialect that is not compiled in, and panics.
        if text[at..].starts_with('`') {
            let span = Span { start: at, end: at + 1 };
            return Err(lexical_error(&TokenizerErrorType::UnexpectedToken('`'), span, text));
        }
        let Some(result) = lexer.process_next() else { break };
        let token = match result {
            LexerResult::Ok(token) => token,
            LexerResult::Fatal(errors) | LexerResult::Recovered(_, errors) => {
                let Some(error) = errors.into_iter().next() else { continue };
                let (start, end) = error.range();
                let span = Span { start: start.bytes(), end: end.bytes() };
                return Err(lexical_error(error.error(), span, text));
            }
        };
        at = at.max(token.end_position().bytes());
        if !token.token_type().is_trivia() {
            spans.push(Span { start: token.start_position().bytes(), end: token.end_position().bytes() });
            tokens.push(token);
        }
    }
    Ok((tokens, spans))
}

fn lexical_error(error: &TokenizerErrorType, span: Span, text: &str) -> SyntaxError {
    let found = text.get(span.start..span.end).and_then(|text| text.lines().next()).unwrap_or_default();
    let (message, help) = match error {
        TokenizerErrorType::UnclosedComment => {
            ("a comment has no end".into(), Some("`--[[` ends with `]]`".into()))
        }
        TokenizerErrorType::UnclosedString => ("a string has no closing quote on its line".into(), None),
        TokenizerErrorType::InvalidNumber => (format!("`{found}` is not a number"), None),
        TokenizerErrorType::UnexpectedToken('!') => {
            ("`!` means nothing in Lua".into(), Some("Lua writes `~=` and `not`".into()))
        }
        TokenizerErrorType::UnexpectedToken(c) if !c.is_ascii() => (
            format!("`{c}` may stand only in strings and comments"),
            Some("names are ASCII letters, digits and `_`".into()),
        ),
        TokenizerErrorType::UnexpectedToken(c) => (format!("`{c}` means nothing in Lua"), None),
        other => (other.to_string(), None),
    };
    SyntaxError { span, message, wanted: None, found: None, help, unchecked: false }
}

impl Scanner {
    fn token(&mut self, token: &Token, span: Span) -> Result<(), SyntaxError> {
        let symbol = match token.token_type() {
            TokenType::Symbol { symbol } => Some(*symbol),
            _ => None,
        };
        self.end_break(token, symbol);
        if symbol == Some(Symbol::Semicolon) && !self.in_brackets() {
            if self.fresh {
                self.blanks.push(span);
            }
            self.fresh = true;
            self.forget_operators();
            return Ok(());
        }
        self.fresh = false;
        match symbol {
            Some(symbol) => self.symbol(symbol, span),
            None => Ok(()),
        }
    }

    fn end_break(&mut self, token: &Token, symbol: Option<Symbol>) {
        let ends_block = matches!(token.token_type(), TokenType::Eof)
            || matches!(symbol, Some(Symbol::End | Symbol::Else | Symbol::ElseIf | Symbol::Until));
        if symbol == Some(Symbol::Semicolon) {
            return;
        }
        if let Some(span) = self.pending_break.take()
            && !ends_block
        {
            self.breaks.push(span);
        }
    }

    fn symbol(&mut self, symbol: Symbol, span: Span) -> Result<(), SyntaxError> {
        match symbol {
            Symbol::LeftParen | Symbol::LeftBrace | Symbol::LeftBracket => self.open(symbol, span)?,
            Symbol::Function | Symbol::If | Symbol::Do | Symbol::Repeat => {
                self.open(symbol, span)?;
                self.header = symbol == Symbol::Function;
                self.fresh = matches!(symbol, Symbol::Do | Symbol::Repeat);
            }
            Symbol::RightParen => self.fresh = self.close().is_some_and(|level| level.parameters),
            Symbol::RightBrace | Symbol::RightBracket | Symbol::End | Symbol::Until => {
                self.close();
            }
            Symbol::Then | Symbol::Else | Symbol::TwoColons => {
                self.fresh = true;
                self.forget_operators();
            }
            Symbol::Break => self.pending_break = Some(span),
            symbol if is_operator(symbol) => self.operator(span)?,
            Symbol::Dot | Symbol::Colon | Symbol::Ellipsis | Symbol::True | Symbol::False | Symbol::Nil => {}
            _ => self.forget_operators(),
        }
        Ok(())
    }

    fn open(&mut self, symbol: Symbol, opener: Span) -> Result<(), SyntaxError> {
        let parameters = symbol == Symbol::LeftParen && std::mem::take(&mut self.header);
        self.levels.push(Level { symbol, opener, operators: 0, parameters });
        if self.levels.len() <= MOST_LEVELS {
            return Ok(());
        }
        let message = format!("nested deeper than Lua's limit of {MOST_LEVELS} levels");
        Err(SyntaxError { span: opener, message, wanted: None, found: None, help: None, unchecked: false })
    }

    fn close(&mut self) -> Option<Level> {
        let level = self.levels.pop()?;
        self.operators -= level.operators;
        Some(level)
    }

    fn operator(&mut self, span: Span) -> Result<(), SyntaxError> {
        if let Some(level) = self.levels.last_mut() {
            level.operators += 1;
        }
        self.operators += 1;
        if self.operators <= MOST_OPERATORS {
            return Ok(());
        }
        let message = format!("an expression of more than {MOST_OPERATORS} operators is not checked");
        let help = Some("the rest of this file was not checked either".into());
        Err(SyntaxError { span, message, wanted: None, found: None, help, unchecked: true })
    }

    fn forget_operators(&mut self) {
        match self.levels.last_mut() {
            Some(level) => self.operators -= std::mem::take(&mut level.operators),
            None => self.operators = 0,
        }
    }

    fn in_brackets(&self) -> bool {
        let symbol = self.levels.last().map(|level| level.symbol);
        matches!(symbol, Some(Symbol::LeftParen | Symbol::LeftBrace | Symbol::LeftBracket))
    }
}

fn is_operator(symbol: Symbol) -> bool {
    matches!(
        symbol,
        Symbol::And
            | Symbol::Or
            | Symbol::Not
            | Symbol::Plus
            | Symbol::Minus
            | Symbol::Star
            | Symbol::Slash
            | Symbol::DoubleSlash
            | Symbol::Percent
            | Symbol::Caret
            | Symbol::Hash
            | Symbol::Ampersand
            | Symbol::Tilde
            | Symbol::Pipe
            | Symbol::DoubleLessThan
            | Symbol::DoubleGreaterThan
            | Symbol::TwoDots
            | Symbol::LessThan
            | Symbol::LessThanEqual
            | Symbol::GreaterThan
            | Symbol::GreaterThanEqual
            | Symbol::TwoEqual
            | Symbol::TildeEqual
    )
}
