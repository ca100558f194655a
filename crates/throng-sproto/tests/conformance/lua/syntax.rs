//! Tokens, and the tree they make.

use std::rc::Rc;

pub(crate) enum Expr {
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(Rc<[u8]>),
    Name(String),
    Function(Rc<Function>),
    Table(Vec<(Option<Expr>, Expr)>),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    Method(Box<Expr>, String, Vec<Expr>),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

pub(crate) struct Function {
    pub(crate) parameters: Vec<String>,
    pub(crate) body: Vec<Stat>,
}

pub(crate) enum Stat {
    Local(Vec<String>, Vec<Expr>),
    Assign(Vec<Expr>, Vec<Expr>),
    Call(Expr),
    For(String, [Expr; 3], Vec<Stat>),
    While(Expr, Vec<Stat>),
    If(Vec<(Expr, Vec<Stat>)>),
    Do(Vec<Stat>),
    Return(Option<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Symbol(&'static str),
    Integer(i64),
    Float(f64),
    Text(Vec<u8>),
    End,
}

/// Longer ones first.
const SYMBOLS: [&str; 28] = [
    "..", "==", "~=", "<=", ">=", "//", "::", "+", "-", "*", "/", "%", "^", "#", "<", ">", "=", "(", ")",
    "{", "}", "[", "]", ";", ":", ",", ".", "~",
];

/// From the loosest; `..` and `^` go to the right.
const BINARY: [&[&str]; 6] =
    [&["or"], &["and"], &["==", "~=", "<=", ">=", "<", ">"], &[".."], &["+", "-"], &["*", "//", "/", "%"]];

pub(crate) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let expr = parser.expr()?;
    parser.need_end()?;
    Ok(expr)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text;
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { break };
        let dotted_number = first == '.' && rest[1..].starts_with(|second: char| second.is_ascii_digit());
        let (token, length) = if first.is_ascii_digit() || dotted_number {
            number(rest)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        } else if first == '"' || first == '\'' {
            quoted(rest)?
        } else {
            let found = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            let symbol = found.ok_or_else(|| format!("unexpected `{first}`"))?;
            (Token::Symbol(symbol), symbol.len())
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens.push(Token::End);
    Ok(tokens)
}

fn number(text: &str) -> Result<(Token, usize), String> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let length = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let value = hex[..length].bytes().fold(0u64, |value, digit| {
            value.wrapping_mul(16).wrapping_add(u64::from((digit as char).to_digit(16).unwrap_or(0)))
        });
        return Ok((Token::Integer(value as i64), length + 2));
    }
    let bytes = text.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let signed = matches!(byte, b'+' | b'-') && matches!(bytes[length - 1], b'e' | b'E');
        if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || signed && length > 0) {
            break;
        }
        length += 1;
    }
    let text = &text[..length];
    let token = match text.parse() {
        Ok(value) => Token::Integer(value),
        Err(_) => Token::Float(text.parse().map_err(|_| format!("malformed number `{text}`"))?),
    };
    Ok((token, length))
}

fn quoted(text: &str) -> Result<(Token, usize), String> {
    let bytes = text.as_bytes();
    let (quote, mut at, mut value) = (bytes[0], 1, Vec::new());
    loop {
        let unfinished = || format!("unfinished string {text}");
        let byte = *bytes.get(at).ok_or_else(unfinished)?;
        at += 1;
        if byte == quote {
            return Ok((Token::Text(value), at));
        }
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let escape = *bytes.get(at).ok_or_else(unfinished)?;
        at += 1;
        match escape {
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'x' => {
                let hex = text.get(at..at + 2).ok_or_else(unfinished)?;
                value.push(u8::from_str_radix(hex, 16).map_err(|error| error.to_string())?);
                at += 2;
            }
            b'0'..=b'9' => {
                let digits = bytes[at - 1..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                value.push(text[at - 1..at - 1 + digits].parse().map_err(|_| "escape too large")?);
                at += digits - 1;
            }
            b'\\' | b'"' | b'\'' | b'\n' => value.push(escape),
            other => return Err(format!("unknown escape \\{}", other as char)),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Steps over a symbol or word.
    fn eat(&mut self, wanted: &str) -> bool {
        let found = match self.peek() {
            Token::Symbol(symbol) => *symbol == wanted,
            Token::Word(word) => word == wanted,
            _ => false,
        };
        if found {
            self.next();
        }
        found
    }

    fn need(&mut self, wanted: &str) -> Result<(), String> {
        if self.eat(wanted) { Ok(()) } else { Err(format!("expected {wanted}, found {:?}", self.peek())) }
    }

    fn need_end(&self) -> Result<(), String> {
        match self.peek() {
            Token::End => Ok(()),
            other => Err(format!("expected the end, found {other:?}")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next() {
            Token::Word(word) => Ok(word),
            other => Err(format!("expected a name, found {other:?}")),
        }
    }

    fn expr(&mut self) -> Result<Expr, String> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.eat(operator)) {
            let right_level = if *operator == ".." { level } else { level + 1 };
            left = Expr::Binary(operator, Box::new(left), Box::new(self.binary(right_level)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        match ["-", "not", "#"].into_iter().find(|operator| self.eat(operator)) {
            Some(operator) => Ok(Expr::Unary(operator, Box::new(self.unary()?))),
            None => {
                let base = self.suffixed()?;
                if self.eat("^") {
                    return Ok(Expr::Binary("^", Box::new(base), Box::new(self.unary()?)));
                }
                Ok(base)
            }
        }
    }

    fn suffixed(&mut self) -> Result<Expr, String> {
        let mut expr = self.primary()?;
        loop {
            expr = if self.eat(".") {
                Expr::Index(Box::new(expr), Box::new(Expr::Text(self.name()?.into_bytes().into())))
            } else if self.eat("[") {
                let key = self.expr()?;
                self.need("]")?;
                Expr::Index(Box::new(expr), Box::new(key))
            } else if self.eat(":") {
                let name = self.name()?;
                Expr::Method(Box::new(expr), name, self.arguments()?)
            } else if *self.peek() == Token::Symbol("(") {
                Expr::Call(Box::new(expr), self.arguments()?)
            } else {
                return Ok(expr);
            };
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        self.need("(")?;
        if self.eat(")") {
            return Ok(Vec::new());
        }
        let list = self.list()?;
        self.need(")")?;
        Ok(list)
    }

    fn list(&mut self) -> Result<Vec<Expr>, String> {
        let mut list = vec![self.expr()?];
        while self.eat(",") {
            list.push(self.expr()?);
        }
        Ok(list)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        match self.next() {
            Token::Integer(value) => Ok(Expr::Integer(value)),
            Token::Float(value) => Ok(Expr::Float(value)),
            Token::Text(text) => Ok(Expr::Text(text.into())),
            Token::Symbol("(") => {
                let expr = self.expr()?;
                self.need(")")?;
                Ok(expr)
            }
            Token::Symbol("{") => self.table(),
            Token::Word(word) => match word.as_str() {
                "nil" => Ok(Expr::Nil),
                "true" => Ok(Expr::Boolean(true)),
                "false" => Ok(Expr::Boolean(false)),
                "function" => self.function(),
                _ => Ok(Expr::Name(word)),
            },
            other => Err(format!("expected an expression, found {other:?}")),
        }
    }

    fn table(&mut self) -> Result<Expr, String> {
        let mut entries = Vec::new();
        while !self.eat("}") {
            let is_named = self.tokens.get(self.at + 1) == Some(&Token::Symbol("="));
            let key = if self.eat("[") {
                let key = self.expr()?;
                self.need("]")?;
                Some(key)
            } else if is_named {
                Some(Expr::Text(self.name()?.into_bytes().into()))
            } else {
                None
            };
            if key.is_some() {
                self.need("=")?;
            }
            entries.push((key, self.expr()?));
            if !self.eat(",") && !self.eat(";") {
                self.need("}")?;
                break;
            }
        }
        Ok(Expr::Table(entries))
    }

    fn function(&mut self) -> Result<Expr, String> {
        self.need("(")?;
        let mut parameters = Vec::new();
        while !self.eat(")") {
            parameters.push(self.name()?);
            self.eat(",");
        }
        Ok(Expr::Function(Rc::new(Function { parameters, body: self.block()? })))
    }

    /// Statements up to `end`, which is stepped over.
    fn block(&mut self) -> Result<Vec<Stat>, String> {
        let stats = self.stats()?;
        self.need("end")?;
        Ok(stats)
    }

    fn stats(&mut self) -> Result<Vec<Stat>, String> {
        let mut stats = Vec::new();
        loop {
            while self.eat(";") {}
            let is_over = match self.peek() {
                Token::End => true,
                Token::Word(word) => matches!(word.as_str(), "end" | "else" | "elseif"),
                _ => false,
            };
            if is_over {
                return Ok(stats);
            }
            stats.push(self.stat()?);
        }
    }

    fn stat(&mut self) -> Result<Stat, String> {
        if self.eat("local") {
            return self.local();
        }
        if self.eat("for") {
            return self.numeric_for();
        }
        if self.eat("while") {
            let condition = self.expr()?;
            self.need("do")?;
            return Ok(Stat::While(condition, self.block()?));
        }
        if self.eat("if") {
            return self.conditional();
        }
        if self.eat("do") {
            return Ok(Stat::Do(self.block()?));
        }
        if self.eat("return") {
            let ends = matches!(self.peek(), Token::Word(word) if word == "end") || self.eat(";");
            return Ok(Stat::Return(if ends { None } else { Some(self.expr()?) }));
        }
        let mut targets = vec![self.suffixed()?];
        while self.eat(",") {
            targets.push(self.suffixed()?);
        }
        if self.eat("=") {
            return Ok(Stat::Assign(targets, self.list()?));
        }
        match targets.pop() {
            Some(call @ (Expr::Call(..) | Expr::Method(..))) if targets.is_empty() => Ok(Stat::Call(call)),
            _ => Err(format!("expected a statement before {:?}", self.peek())),
        }
    }

    fn local(&mut self) -> Result<Stat, String> {
        if self.eat("function") {
            let name = self.name()?;
            return Ok(Stat::Local(vec![name], vec![self.function()?]));
        }
        let mut names = vec![self.name()?];
        while self.eat(",") {
            names.push(self.name()?);
        }
        let values = if self.eat("=") { self.list()? } else { Vec::new() };
        Ok(Stat::Local(names, values))
    }

    fn numeric_for(&mut self) -> Result<Stat, String> {
        let name = self.name()?;
        self.need("=")?;
        let first = self.expr()?;
        self.need(",")?;
        let last = self.expr()?;
        let step = if self.eat(",") { self.expr()? } else { Expr::Integer(1) };
        self.need("do")?;
        Ok(Stat::For(name, [first, last, step], self.block()?))
    }

    fn conditional(&mut self) -> Result<Stat, String> {
        let mut arms = Vec::new();
        loop {
            let condition = self.expr()?;
            self.need("then")?;
            arms.push((condition, self.stats()?));
            if self.eat("elseif") {
                continue;
            }
            if self.eat("else") {
                arms.push((Expr::Boolean(true), self.stats()?));
            }
            self.need("end")?;
            return Ok(Stat::If(arms));
        }
    }
}
