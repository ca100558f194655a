//! Expressions of the parser's tree to those of a chunk.

use full_moon::ast::{
    BinOp, Call, Expression, Field as AstField, FunctionArgs, FunctionCall, Index, Prefix, Suffix,
    TableConstructor, UnOp, Var,
};
use full_moon::tokenizer::{StringLiteralQuoteType, Symbol, TokenReference, TokenType};

use super::{Lower, name_of, span_of};
use crate::lua::{Expr, ExprId, ExprKind, Field, FieldKey, Form, LocalId, Name, Span};

impl Lower {
    pub(super) fn expr(&mut self, expression: &Expression) -> ExprId {
        let kind = match expression {
            Expression::BinaryOperator { lhs, binop, rhs } => {
                let (left, right) = (self.expr(lhs), self.expr(rhs));
                match binop {
                    BinOp::TwoDots(_) => ExprKind::Concat(left, right),
                    BinOp::And(_) | BinOp::Or(_) | BinOp::TwoEqual(_) | BinOp::TildeEqual(_) => {
                        self.guard(left);
                        self.guard(right);
                        ExprKind::Operator
                    }
                    _ => ExprKind::Operator,
                }
            }
            Expression::UnaryOperator { unop, expression } => {
                let operand = self.expr(expression);
                match unop {
                    UnOp::Minus(_) => ExprKind::Negative(operand),
                    UnOp::Not(_) => {
                        self.guard(operand);
                        ExprKind::Operator
                    }
                    _ => ExprKind::Operator,
                }
            }
            Expression::Parentheses { expression, .. } => ExprKind::Paren(self.expr(expression)),
            Expression::Function(function) => {
                let id = self.function_body(function.body(), span_of(expression), Form::Dot);
                ExprKind::Function(id)
            }
            Expression::FunctionCall(call) => return self.call(call),
            Expression::TableConstructor(table) => return self.table(table),
            Expression::Number(token) => ExprKind::Number(token.token().to_string()),
            Expression::String(token) => string_kind(token),
            Expression::Var(Var::Name(token)) => return self.name(&name_of(token), false),
            Expression::Var(Var::Expression(var)) => {
                let suffixes: Vec<&Suffix> = var.suffixes().collect();
                return self.suffixed(var.prefix(), &suffixes, false);
            }
            Expression::Symbol(token) => symbol_kind(token),
            _ => ExprKind::Operator,
        };
        self.push(kind, span_of(expression))
    }

    pub(super) fn condition(&mut self, expression: &Expression) {
        let condition = self.expr(expression);
        self.guard(condition);
    }

    fn guard(&mut self, id: ExprId) {
        self.chunk.exprs[id.0 as usize].guarded = true;
    }

    pub(super) fn call(&mut self, call: &FunctionCall) -> ExprId {
        let suffixes: Vec<&Suffix> = call.suffixes().collect();
        self.suffixed(call.prefix(), &suffixes, false)
    }

    /// The left side of an assignment.
    pub(super) fn target(&mut self, variable: &Var) -> ExprId {
        match variable {
            Var::Name(token) => self.name(&name_of(token), true),
            Var::Expression(var) => {
                let suffixes: Vec<&Suffix> = var.suffixes().collect();
                self.suffixed(var.prefix(), &suffixes, true)
            }
            _ => self.push(ExprKind::Operator, span_of(variable)),
        }
    }

    fn suffixed(&mut self, prefix: &Prefix, suffixes: &[&Suffix], store: bool) -> ExprId {
        let mut value = match prefix {
            Prefix::Name(token) => self.name(&name_of(token), false),
            Prefix::Expression(expression) => self.expr(expression),
            _ => self.push(ExprKind::Operator, span_of(prefix)),
        };
        let start = self.chunk.span(value).start;
        for (at, suffix) in suffixes.iter().enumerate() {
            let span = Span { start, end: span_of(*suffix).end };
            let store = store && at + 1 == suffixes.len();
            value = match suffix {
                Suffix::Call(Call::AnonymousCall(args)) => {
                    let args = self.args(args);
                    self.mark_indexed(value);
                    self.push(ExprKind::Call { callee: value, args }, span)
                }
                Suffix::Call(Call::MethodCall(call)) => {
                    let args = self.args(call.args());
                    self.mark_indexed(value);
                    self.push(ExprKind::Method { base: value, name: name_of(call.name()), args }, span)
                }
                Suffix::Index(Index::Dot { name, .. }) => self.index(value, &name_of(name), span, store),
                Suffix::Index(Index::Brackets { expression, .. }) => {
                    let key = self.expr(expression);
                    self.mark_indexed(value);
                    self.push_stored(ExprKind::Index { base: value, key }, span, store)
                }
                _ => self.push(ExprKind::Operator, span),
            };
        }
        value
    }

    pub(super) fn index(&mut self, base: ExprId, key: &Name, span: Span, store: bool) -> ExprId {
        let key = self.push(ExprKind::Str(key.text.clone()), key.span);
        self.mark_indexed(base);
        self.push_stored(ExprKind::Index { base, key }, span, store)
    }

    fn args(&mut self, args: &FunctionArgs) -> Vec<ExprId> {
        match args {
            FunctionArgs::Parentheses { arguments, .. } => {
                arguments.iter().map(|value| self.expr(value)).collect()
            }
            FunctionArgs::String(token) => vec![self.push(string_kind(token), span_of(token))],
            FunctionArgs::TableConstructor(table) => vec![self.table(table)],
            _ => Vec::new(),
        }
    }

    fn table(&mut self, table: &TableConstructor) -> ExprId {
        let mut fields = Vec::new();
        for field in table.fields() {
            let field = match field {
                AstField::NameKey { key, value, .. } => {
                    Field { key: FieldKey::Name(name_of(key)), value: self.expr(value) }
                }
                AstField::ExpressionKey { key, value, .. } => {
                    let key = self.expr(key);
                    let value = self.expr(value);
                    let key = match self.chunk.kind(key) {
                        ExprKind::Str(text) => {
                            FieldKey::Name(Name { text: text.clone(), span: self.chunk.span(key) })
                        }
                        _ => FieldKey::Computed(key),
                    };
                    Field { key, value }
                }
                AstField::NoKey(value) => Field { key: FieldKey::Position, value: self.expr(value) },
                _ => continue,
            };
            fields.push(field);
        }
        self.push(ExprKind::Table(fields), span_of(table))
    }

    pub(super) fn name(&mut self, name: &Name, store: bool) -> ExprId {
        match self.resolve(&name.text) {
            Some(local) => {
                if !store {
                    self.chunk.locals[local.0 as usize].uses += 1;
                }
                self.push_stored(ExprKind::Local(local), name.span, store)
            }
            None => {
                let id = self.push_stored(ExprKind::Global(name.text.clone()), name.span, store);
                if !crate::api::is_known_global(&name.text) {
                    self.chunk.visible.insert(id, self.scope.clone());
                }
                id
            }
        }
    }

    fn resolve(&self, name: &str) -> Option<LocalId> {
        self.scope.iter().rev().copied().find(|local| self.chunk.local(*local).name.text == name)
    }

    pub(super) fn push(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.push_stored(kind, span, false)
    }

    fn push_stored(&mut self, kind: ExprKind, span: Span, store: bool) -> ExprId {
        let id = ExprId(self.chunk.exprs.len() as u32);
        let (function, conditional) = (self.function, self.branches > 0);
        self.chunk.exprs.push(Expr { kind, span, function, conditional, store, guarded: false });
        id
    }
}

fn string_kind(token: &TokenReference) -> ExprKind {
    match token.token_type() {
        TokenType::StringLiteral { literal, quote_type, .. } => {
            let escaped = *quote_type != StringLiteralQuoteType::Brackets && literal.contains('\\');
            match escaped {
                true => ExprKind::EscapedStr,
                false => ExprKind::Str(literal.to_string()),
            }
        }
        _ => ExprKind::EscapedStr,
    }
}

fn symbol_kind(token: &TokenReference) -> ExprKind {
    match token.token_type() {
        TokenType::Symbol { symbol: Symbol::Nil } => ExprKind::Nil,
        TokenType::Symbol { symbol: Symbol::True | Symbol::False } => ExprKind::Boolean,
        TokenType::Symbol { symbol: Symbol::Ellipsis } => ExprKind::Vararg,
        _ => ExprKind::Operator,
    }
}
