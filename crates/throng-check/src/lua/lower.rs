//! The parser's tree to a chunk: statements and scopes. Expressions are in [`expr`].

mod expr;

use full_moon::ast::{self, Ast, Block, FunctionBody, LastStmt, Parameter, Stmt};
use full_moon::node::Node;
use full_moon::tokenizer::{TokenReference, TokenType};

use super::{
    Chunk, ExprId, ExprKind, Form, Function, FunctionId, Local, LocalId, MAIN, Name, Origin, Return, Span,
};
use super::{Value, Write};

pub(super) fn lower(ast: &Ast) -> Chunk {
    let mut lower = Lower { chunk: Chunk::default(), scope: Vec::new(), function: MAIN, branches: 0 };
    lower.chunk.functions.push(Function { parameters: Vec::new(), vararg: true, returns: Vec::new() });
    lower.block(ast.nodes());
    lower.chunk
}

struct Lower {
    chunk: Chunk,
    /// The locals in scope, innermost last, across functions: a closure sees its outer function's.
    scope: Vec<LocalId>,
    function: FunctionId,
    branches: usize,
}

impl Lower {
    fn block(&mut self, block: &Block) {
        let outer = self.scope.len();
        self.open_block(block);
        self.scope.truncate(outer);
    }

    fn open_block(&mut self, block: &Block) {
        for statement in block.stmts() {
            self.statement(statement);
        }
        if let Some(LastStmt::Return(values)) = block.last_stmt() {
            self.return_values(values);
        }
    }

    fn branch(&mut self, block: &Block) {
        self.branches += 1;
        self.block(block);
        self.branches -= 1;
    }

    fn return_values(&mut self, statement: &ast::Return) {
        let values: Vec<ExprId> = statement.returns().iter().map(|value| self.expr(value)).collect();
        if self.function == MAIN {
            // Returning the mod hands it to the engine, which is not what "escapes" means to the rules.
            for value in &values {
                self.mark_indexed(*value);
            }
        }
        let returned = Return { values, conditional: self.branches > 0, span: span_of(statement) };
        self.chunk.functions[self.function.0 as usize].returns.push(returned);
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Assignment(assignment) => self.assignment(assignment),
            Stmt::Do(block) => self.block(block.block()),
            Stmt::FunctionCall(call) => {
                self.call(call);
            }
            Stmt::FunctionDeclaration(declaration) => self.function_declaration(declaration),
            Stmt::GenericFor(statement) => self.generic_for(statement),
            Stmt::If(statement) => self.if_statement(statement),
            Stmt::LocalAssignment(assignment) => self.local_assignment(assignment),
            Stmt::LocalFunction(declaration) => self.local_function(declaration),
            Stmt::NumericFor(statement) => self.numeric_for(statement),
            Stmt::Repeat(statement) => self.repeat(statement),
            Stmt::While(statement) => {
                self.condition(statement.condition());
                self.branch(statement.block());
            }
            _ => {}
        }
    }

    fn assignment(&mut self, assignment: &ast::Assignment) {
        let values: Vec<ExprId> = assignment.expressions().iter().map(|value| self.expr(value)).collect();
        for (at, variable) in assignment.variables().iter().enumerate() {
            let target = self.target(variable);
            self.write(target, value_at(&values, at), Form::Assignment);
        }
    }

    fn write(&mut self, target: ExprId, value: Option<Value>, form: Form) {
        if let ExprKind::Local(local) = *self.chunk.kind(target) {
            let index = self.chunk.writes.len();
            self.chunk.locals[local.0 as usize].writes.push(index);
        }
        let write = Write { target, value, function: self.function, conditional: self.branches > 0, form };
        self.chunk.writes.push(write);
    }

    fn local_assignment(&mut self, assignment: &ast::LocalAssignment) {
        let values: Vec<ExprId> = assignment.expressions().iter().map(|value| self.expr(value)).collect();
        for (at, name) in assignment.names().iter().enumerate() {
            self.declare(name_of(name), Origin::Local(value_at(&values, at)));
        }
    }

    fn local_function(&mut self, declaration: &ast::LocalFunction) {
        let local = self.declare(name_of(declaration.name()), Origin::Local(None));
        let span = span_of(declaration);
        let function = self.function_body(declaration.body(), span, Form::Dot);
        let expr = self.push(ExprKind::Function(function), span);
        self.chunk.locals[local.0 as usize].origin = Origin::Local(Some(Value { expr, result: 0 }));
    }

    fn function_declaration(&mut self, declaration: &ast::FunctionDeclaration) {
        let name = declaration.name();
        let mut names = name.names().iter();
        let Some(first) = names.next() else { return };
        let keys: Vec<Name> = names.chain(name.method_name()).map(name_of).collect();
        let first = name_of(first);
        let mut target = self.name(&first, keys.is_empty());
        for (at, key) in keys.iter().enumerate() {
            let span = Span { start: first.span.start, end: key.span.end };
            target = self.index(target, key, span, at + 1 == keys.len());
        }
        let form = match (name.method_name(), keys.is_empty()) {
            (Some(_), _) => Form::Colon,
            (None, false) => Form::Dot,
            (None, true) => Form::Assignment,
        };
        let span = span_of(declaration);
        let function = self.function_body(declaration.body(), span, form);
        let expr = self.push(ExprKind::Function(function), span);
        self.write(target, Some(Value { expr, result: 0 }), form);
    }

    fn function_body(&mut self, body: &FunctionBody, span: Span, form: Form) -> FunctionId {
        let id = FunctionId(self.chunk.functions.len() as u32);
        self.chunk.functions.push(Function { parameters: Vec::new(), vararg: false, returns: Vec::new() });
        let outer =
            (std::mem::replace(&mut self.function, id), std::mem::take(&mut self.branches), self.scope.len());
        let mut parameters = Vec::new();
        if form == Form::Colon {
            let at = Span { start: span.start, end: span.start };
            parameters.push(self.declare(Name { text: "self".into(), span: at }, Origin::SelfParameter));
        }
        for parameter in body.parameters() {
            match parameter {
                Parameter::Name(name) => parameters.push(self.declare(name_of(name), Origin::Parameter)),
                _ => self.chunk.functions[id.0 as usize].vararg = true,
            }
        }
        self.chunk.functions[id.0 as usize].parameters = parameters;
        self.open_block(body.block());
        (self.function, self.branches) = (outer.0, outer.1);
        self.scope.truncate(outer.2);
        id
    }

    fn generic_for(&mut self, statement: &ast::GenericFor) {
        let values: Vec<ExprId> = statement.expressions().iter().map(|value| self.expr(value)).collect();
        let outer = self.scope.len();
        for (at, name) in statement.names().iter().enumerate() {
            let origin = match values.first() {
                Some(first) => Origin::GenericFor(*first, at),
                None => Origin::Parameter,
            };
            self.declare(name_of(name), origin);
        }
        self.branch(statement.block());
        self.scope.truncate(outer);
    }

    fn numeric_for(&mut self, statement: &ast::NumericFor) {
        self.expr(statement.start());
        self.expr(statement.end());
        if let Some(step) = statement.step() {
            self.expr(step);
        }
        let outer = self.scope.len();
        self.declare(name_of(statement.index_variable()), Origin::NumericFor);
        self.branch(statement.block());
        self.scope.truncate(outer);
    }

    fn if_statement(&mut self, statement: &ast::If) {
        self.condition(statement.condition());
        self.branch(statement.block());
        for branch in statement.else_if().into_iter().flatten() {
            self.condition(branch.condition());
            self.branch(branch.block());
        }
        if let Some(block) = statement.else_block() {
            self.branch(block);
        }
    }

    /// The condition of `repeat` sees the locals of its block.
    fn repeat(&mut self, statement: &ast::Repeat) {
        let outer = self.scope.len();
        self.branches += 1;
        self.open_block(statement.block());
        self.condition(statement.until());
        self.branches -= 1;
        self.scope.truncate(outer);
    }

    fn declare(&mut self, name: Name, origin: Origin) -> LocalId {
        let id = LocalId(self.chunk.locals.len() as u32);
        let function = self.function;
        self.chunk.locals.push(Local { name, function, origin, writes: Vec::new(), uses: 0, indexed: 0 });
        self.scope.push(id);
        id
    }

    fn mark_indexed(&mut self, id: ExprId) {
        if let ExprKind::Local(local) = self.chunk.kind(id) {
            let local = *local;
            self.chunk.locals[local.0 as usize].indexed += 1;
        }
    }
}

/// The value of the n-th name: its own expression, or a further result of the last one.
fn value_at(values: &[ExprId], at: usize) -> Option<Value> {
    match values.get(at) {
        Some(expr) => Some(Value { expr: *expr, result: 0 }),
        None => values.last().map(|expr| Value { expr: *expr, result: at + 1 - values.len() }),
    }
}

fn span_of(node: &impl Node) -> Span {
    match node.range() {
        Some((start, end)) => Span { start: start.bytes(), end: end.bytes() },
        None => Span::default(),
    }
}

fn name_of(token: &TokenReference) -> Name {
    let text = match token.token_type() {
        TokenType::Identifier { identifier } => identifier.to_string(),
        _ => token.token().to_string(),
    };
    Name { text, span: span_of(token) }
}
