//! A Lua file as the rules want it: flat lists of expressions, writes, locals and functions, with every name
//! resolved to its local or known to be global. Statements are not kept; what matters about one (is it run only
//! sometimes, which function is it in) is said by the expressions and writes in it.

mod lower;
mod parse;
mod scan;

pub(crate) use parse::{SyntaxError, parse};

use std::collections::HashMap;

/// Bytes of the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ExprId(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LocalId(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FunctionId(u32);

/// The file itself: what runs when it is loaded.
pub(crate) const MAIN: FunctionId = FunctionId(0);

#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) exprs: Vec<Expr>,
    pub(crate) writes: Vec<Write>,
    pub(crate) locals: Vec<Local>,
    pub(crate) functions: Vec<Function>,
    /// The locals in scope where a global is named, for suggestions.
    pub(crate) visible: HashMap<ExprId, Vec<LocalId>>,
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
    pub(crate) function: FunctionId,
    /// Inside a branch or a loop of its function.
    pub(crate) conditional: bool,
    /// The target of an assignment, not a value that is read.
    pub(crate) store: bool,
    /// Asked only whether it is there: an operand of `and`, `or`, `not`, `==`, `~=`, or a condition.
    pub(crate) guarded: bool,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Nil,
    Boolean,
    Number(String),
    Str(String),
    /// A string with escapes: a string, but its value is not followed.
    EscapedStr,
    Vararg,
    Function(FunctionId),
    Local(LocalId),
    Global(String),
    /// `base.key` is `base["key"]`.
    Index {
        base: ExprId,
        key: ExprId,
    },
    Call {
        callee: ExprId,
        args: Vec<ExprId>,
    },
    Method {
        base: ExprId,
        name: Name,
        args: Vec<ExprId>,
    },
    Concat(ExprId, ExprId),
    Negative(ExprId),
    /// `a and b`, `a + b` ...: the operands stand in the list on their own.
    Operator,
    Paren(ExprId),
    Table(Vec<Field>),
}

#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: FieldKey,
    pub(crate) value: ExprId,
}

#[derive(Debug)]
pub(crate) enum FieldKey {
    Position,
    Name(Name),
    Computed(ExprId),
}

/// A value and which of its results: `local a, b = f()` gives `b` result 1 of the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) expr: ExprId,
    pub(crate) result: usize,
}

/// An assignment or a function declaration.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) target: ExprId,
    pub(crate) value: Option<Value>,
    pub(crate) function: FunctionId,
    pub(crate) conditional: bool,
    pub(crate) form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Assignment,
    /// `function a.b()`.
    Dot,
    /// `function a:b()`.
    Colon,
}

#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) name: Name,
    pub(crate) function: FunctionId,
    pub(crate) origin: Origin,
    /// The writes after its declaration, by index.
    pub(crate) writes: Vec<usize>,
    /// How often it is read, and how often only to index it or call its methods.
    pub(crate) uses: usize,
    pub(crate) indexed: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// `local x` with its value, if it has one.
    Local(Option<Value>),
    Parameter,
    /// The hidden parameter of `function a:b()`.
    SelfParameter,
    NumericFor,
    /// The n-th variable of `for k, v in expr`.
    GenericFor(ExprId, usize),
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Vec<LocalId>,
    pub(crate) vararg: bool,
    pub(crate) returns: Vec<Return>,
}

#[derive(Debug)]
pub(crate) struct Return {
    pub(crate) values: Vec<ExprId>,
    pub(crate) conditional: bool,
    pub(crate) span: Span,
}

impl Chunk {
    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    pub(crate) fn kind(&self, id: ExprId) -> &ExprKind {
        &self.expr(id).kind
    }

    pub(crate) fn span(&self, id: ExprId) -> Span {
        self.expr(id).span
    }

    pub(crate) fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }

    pub(crate) fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    pub(crate) fn expr_ids(&self) -> impl DoubleEndedIterator<Item = ExprId> + use<> {
        (0..self.exprs.len() as u32).map(ExprId)
    }

    pub(crate) fn local_ids(&self) -> impl Iterator<Item = LocalId> + use<> {
        (0..self.locals.len() as u32).map(LocalId)
    }

    /// The expression without its parentheses.
    pub(crate) fn bare(&self, mut id: ExprId) -> ExprId {
        while let ExprKind::Paren(inner) = self.kind(id) {
            id = *inner;
        }
        id
    }

    /// The one value a local ever has: its declaration's, or the only assignment's when it was declared without one.
    pub(crate) fn only_value(&self, id: LocalId) -> Option<Value> {
        let local = self.local(id);
        match (local.origin, local.writes.as_slice()) {
            (Origin::Local(value), []) => value,
            (Origin::Local(None), [write]) => self.writes[*write].value,
            _ => None,
        }
    }

    /// The function an expression is: written there, or a local that only ever is that function.
    pub(crate) fn function_of(&self, id: ExprId) -> Option<FunctionId> {
        match self.kind(self.bare(id)) {
            ExprKind::Function(function) => Some(*function),
            ExprKind::Local(local) => match self.kind(self.only_value(*local)?.expr) {
                ExprKind::Function(function) => Some(*function),
                _ => None,
            },
            _ => None,
        }
    }

    /// The table constructor an expression is: written there, or a local that was only ever given it.
    pub(crate) fn table_of(&self, id: ExprId) -> Option<(ExprId, &[Field])> {
        let id = self.bare(id);
        match self.kind(id) {
            ExprKind::Table(fields) => Some((id, fields)),
            ExprKind::Local(local) => {
                let value = self.only_value(*local)?.expr;
                match self.kind(value) {
                    ExprKind::Table(fields) => Some((value, fields)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The string an expression always is: a literal, a local constant, constants joined by `..`, or an entry of a
    /// local table that nothing writes to.
    pub(crate) fn constant(&self, id: ExprId) -> Option<String> {
        self.constant_within(id, 64)
    }

    fn constant_within(&self, id: ExprId, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        match self.kind(self.bare(id)) {
            ExprKind::Str(text) => Some(text.clone()),
            ExprKind::Concat(left, right) => {
                let mut text = self.constant_within(*left, depth)?;
                text.push_str(&self.constant_within(*right, depth)?);
                Some(text)
            }
            ExprKind::Local(local) => {
                let value = self.only_value(*local).filter(|value| value.result == 0)?;
                self.constant_within(value.expr, depth)
            }
            ExprKind::Index { base, key } => {
                let ExprKind::Local(local) = self.kind(*base) else { return None };
                if self.is_written_into(*local) || self.escapes(*local) {
                    return None;
                }
                let (_, fields) = self.table_of(*base)?;
                let key = self.constant_within(*key, depth)?;
                let value = fields.iter().find(|field| field.is_named(&key))?.value;
                self.constant_within(value, depth)
            }
            _ => None,
        }
    }

    /// The constant text an expression begins with, and whether that is all of it.
    pub(crate) fn prefix(&self, id: ExprId) -> Option<String> {
        let mut id = self.bare(id);
        for _ in 0..64 {
            match (self.constant(id), self.kind(id)) {
                (Some(text), _) => return Some(text),
                (None, ExprKind::Concat(left, _)) => id = self.bare(*left),
                (None, ExprKind::Local(local)) => id = self.bare(self.only_value(*local)?.expr),
                _ => return None,
            }
        }
        None
    }

    /// Whether something other than indexing and method calls is done with a local, so that others may change it.
    pub(crate) fn escapes(&self, id: LocalId) -> bool {
        let local = self.local(id);
        local.uses > local.indexed
    }

    /// Whether a field of a local's value is assigned to anywhere.
    pub(crate) fn is_written_into(&self, id: LocalId) -> bool {
        self.writes.iter().any(|write| match self.kind(write.target) {
            ExprKind::Index { base, .. } => {
                matches!(self.kind(*base), ExprKind::Local(local) if *local == id)
            }
            _ => false,
        })
    }

    /// A dotted path of a global: `os.exit`, `math.random`.
    pub(crate) fn global_path(&self, id: ExprId) -> Option<String> {
        match self.kind(self.bare(id)) {
            ExprKind::Global(name) => Some(name.clone()),
            ExprKind::Index { base, key } => {
                let ExprKind::Global(name) = self.kind(*base) else { return None };
                let ExprKind::Str(key) = self.kind(*key) else { return None };
                Some(format!("{name}.{key}"))
            }
            _ => None,
        }
    }
}

impl Field {
    pub(crate) fn is_named(&self, wanted: &str) -> bool {
        matches!(&self.key, FieldKey::Name(name) if name.text == wanted)
    }
}
