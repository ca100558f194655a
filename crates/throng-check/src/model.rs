//! A file and the mod it defines: methods, tasks, sequences, handlers, and what the engine will call.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::api::ClassId;
use crate::draft::Lines;
use crate::infer::{Connections, Infer, Type};
use crate::lua::{Chunk, ExprId, ExprKind, FieldKey, Form, FunctionId, LocalId, MAIN, Name, Span, Value};
use crate::project::{Project, Role, Source};

pub(crate) struct File<'a> {
    pub(crate) source: &'a Source,
    pub(crate) lines: Lines<'a>,
    pub(crate) chunk: Chunk,
    pub(crate) module: Option<Module>,
    pub(crate) parameters: HashMap<LocalId, Type>,
    pub(crate) fields: HashMap<String, Vec<Value>>,
}

/// A mod as its file declares it.
#[derive(Debug)]
pub(crate) struct Module {
    /// The local that holds the mod's class.
    pub(crate) local: Option<LocalId>,
    pub(crate) created: Span,
    pub(crate) methods: Vec<Method>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) needs: Vec<Name>,
    /// The functions of `role.tasks` and `role.on`: which of the two, the name, the function.
    pub(crate) shorthand: Vec<(&'static str, Name, FunctionId)>,
    /// The functions that the engine calls.
    pub(crate) roots: Vec<FunctionId>,
    /// Something may be added to it that is not seen here.
    pub(crate) open: bool,
}

#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: Name,
    pub(crate) function: Option<FunctionId>,
    pub(crate) value: Option<ExprId>,
    /// Not the same in every load, or not at load at all.
    pub(crate) conditional: bool,
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) name: Name,
    pub(crate) steps: Vec<Name>,
    pub(crate) conditional: bool,
}

#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) names: Vec<Name>,
    /// Which connection it is limited to; `None` when that is made at run time.
    pub(crate) connection: Option<String>,
    pub(crate) conditional: bool,
}

impl<'a> File<'a> {
    pub(crate) fn new(
        source: &'a Source,
        chunk: Chunk,
        project: &Project,
        connections: &Connections,
    ) -> File<'a> {
        let lines = Lines::new(&source.text);
        let mut file =
            File { source, lines, chunk, module: None, parameters: HashMap::new(), fields: HashMap::new() };
        file.module = file.find_module();
        file.type_methods(project, connections);
        file.collect_fields(project, connections);
        file.read_registrations(project, connections);
        file.type_tests(project, connections);
        file
    }

    pub(crate) fn infer<'b>(&'b self, project: &'b Project, connections: &'b Connections) -> Infer<'b> {
        Infer {
            project,
            chunk: &self.chunk,
            connections,
            parameters: &self.parameters,
            fields: &self.fields,
            known: RefCell::default(),
        }
    }

    fn find_module(&self) -> Option<Module> {
        let mut created = self.chunk.expr_ids().filter(|id| self.creates_mod(*id));
        let first = created.next()?;
        let several = created.next().is_some();
        let local = self.chunk.local_ids().find(|local| {
            self.chunk
                .only_value(*local)
                .is_some_and(|value| self.chunk.bare(value.expr) == first && value.result == 0)
        });
        let needs = self.needs_of(first);
        let open = several || needs.is_none() || local.is_none_or(|local| self.chunk.escapes(local));
        Some(Module {
            local,
            created: self.chunk.span(first),
            methods: Vec::new(),
            tasks: Vec::new(),
            handlers: Vec::new(),
            needs: needs.unwrap_or_default(),
            shorthand: Vec::new(),
            roots: Vec::new(),
            open,
        })
    }

    fn creates_mod(&self, id: ExprId) -> bool {
        match self.chunk.kind(id) {
            ExprKind::Call { callee, .. } => self.chunk.global_path(*callee).as_deref() == Some("throng.mod"),
            _ => false,
        }
    }

    /// The mods a mod needs; `None` when its options are made at run time.
    fn needs_of(&self, created: ExprId) -> Option<Vec<Name>> {
        let ExprKind::Call { args, .. } = self.chunk.kind(created) else { return None };
        let Some(options) = args.first() else { return Some(Vec::new()) };
        let (_, fields) = self.chunk.table_of(*options)?;
        let needs = fields.iter().find(|field| field.is_named("needs"));
        Some(needs.map(|field| self.names_in(field.value)).unwrap_or_default())
    }

    /// The constant strings of an expression: one, or those of a list.
    pub(crate) fn names_in(&self, id: ExprId) -> Vec<Name> {
        let name = |id: ExprId| Some(Name { text: self.chunk.constant(id)?, span: self.chunk.span(id) });
        match self.chunk.table_of(id) {
            Some((_, fields)) => {
                let items = fields.iter().filter(|field| matches!(field.key, FieldKey::Position));
                items.filter_map(|field| name(field.value)).collect()
            }
            None => name(id).into_iter().collect(),
        }
    }

    /// Gives `self` its type in methods, and notes what the mod's class has.
    fn type_methods(&mut self, project: &Project, connections: &Connections) {
        let Some(mut module) = self.module.take() else { return };
        let mut typed = Vec::new();
        let infer = self.infer(project, connections);
        for write in &self.chunk.writes {
            let ExprKind::Index { base, key } = self.chunk.kind(write.target) else { continue };
            let on_class = infer.type_of(*base) == Type::Object(ClassId::Mod);
            let shorthand = self.shorthand(&module, *base);
            if !on_class && shorthand.is_none() {
                continue;
            }
            let Some(text) = self.chunk.constant(*key) else {
                module.open = true;
                continue;
            };
            let name = Name { text, span: self.chunk.span(*key) };
            let function = write.value.and_then(|value| self.chunk.function_of(value.expr));
            let conditional = write.conditional || write.function != MAIN;
            module.roots.extend(function);
            typed.extend(function.and_then(|function| self.self_of(function, write.form)));
            let value = write.value.map(|value| value.expr);
            let method = Method { name: name.clone(), function, value, conditional };
            if let (Some(table), Some(function)) = (shorthand, function) {
                module.shorthand.push((if table == "on" { ".on" } else { ".tasks" }, name.clone(), function));
            }
            match shorthand {
                None => module.methods.push(method),
                Some("tasks") => module.tasks.push(Task { name, steps: Vec::new(), conditional }),
                Some(_) => module.handlers.push(Handler {
                    names: vec![name],
                    connection: Some(String::new()),
                    conditional,
                }),
            }
        }
        self.parameters.extend(typed.into_iter().map(|local| (local, Type::Object(ClassId::Mod))));
        self.module = Some(module);
    }

    /// `role.tasks` and `role.on`, to which tasks and handlers may be assigned.
    fn shorthand(&self, module: &Module, base: ExprId) -> Option<&'static str> {
        let ExprKind::Index { base, key } = self.chunk.kind(base) else { return None };
        let ExprKind::Local(local) = self.chunk.kind(*base) else { return None };
        if module.local != Some(*local) {
            return None;
        }
        match self.chunk.kind(*key) {
            ExprKind::Str(name) if name == "tasks" => Some("tasks"),
            ExprKind::Str(name) if name == "on" => Some("on"),
            _ => None,
        }
    }

    /// The parameter that is the mod's object: the hidden one, or a first one called `self`.
    fn self_of(&self, function: FunctionId, form: Form) -> Option<LocalId> {
        let first = self.chunk.function(function).parameters.first().copied()?;
        (form == Form::Colon || self.chunk.local(first).name.text == "self").then_some(first)
    }

    fn collect_fields(&mut self, project: &Project, connections: &Connections) {
        let infer = self.infer(project, connections);
        let mut fields: HashMap<String, Vec<Value>> = HashMap::new();
        for write in &self.chunk.writes {
            let ExprKind::Index { base, key } = self.chunk.kind(write.target) else { continue };
            let (Some(name), Some(value)) = (self.chunk.constant(*key), write.value) else { continue };
            if infer.type_of(*base) == Type::Object(ClassId::Mod) {
                fields.entry(name).or_default().push(value);
            }
        }
        self.fields = fields;
    }

    /// Reads `role:on`, `role:task` and `role:sequence`.
    fn read_registrations(&mut self, project: &Project, connections: &Connections) {
        let Some(mut module) = self.module.take() else { return };
        let mut typed: Vec<(LocalId, Type)> = Vec::new();
        let infer = self.infer(project, connections);
        for id in self.chunk.expr_ids() {
            let ExprKind::Method { base, name, args } = self.chunk.kind(id) else { continue };
            if infer.type_of(*base) != Type::Object(ClassId::Mod) {
                continue;
            }
            let call = self.chunk.expr(id);
            let conditional = call.conditional || call.function != MAIN;
            match name.text.as_str() {
                "on" => typed.extend(self.read_handler(&mut module, &infer, args, conditional)),
                "task" | "sequence" => typed.extend(self.read_task(&mut module, args, conditional)),
                _ => {}
            }
        }
        for (local, ty) in typed {
            let known = self.parameters.entry(local).or_insert_with(|| ty.clone());
            if *known != ty {
                *known = Type::Unknown;
            }
        }
        self.module = Some(module);
    }

    /// Gives the parameters of a test's functions their types: of tests first, because servers come from their worlds.
    fn type_tests(&mut self, project: &Project, connections: &Connections) {
        if self.source.role != Role::Test {
            return;
        }
        let tests = self.typed_by(|id| match self.chunk.kind(id) {
            ExprKind::Call { callee, args }
                if self.chunk.global_path(*callee).as_deref() == Some("throng.test") =>
            {
                Some((*args.last()?, &[Some(ClassId::World)]))
            }
            _ => None,
        });
        self.parameters.extend(tests);
        let infer = self.infer(project, connections);
        let handlers = self.typed_by(|id| {
            let ExprKind::Method { base, name, args } = self.chunk.kind(id) else { return None };
            let types: &[Option<ClassId>] = match name.text.as_str() {
                "on" | "on_message" | "on_bytes" => &[None, Some(ClassId::Client)],
                "on_connect" | "on_close" => &[Some(ClassId::Client)],
                _ => return None,
            };
            let of_server = infer.type_of(*base) == Type::Object(ClassId::Server);
            of_server.then_some((*args.last()?, types))
        });
        self.parameters.extend(handlers);
    }

    /// The types of the parameters of the functions that `find` finds at expressions.
    fn typed_by<'b>(
        &self,
        find: impl Fn(ExprId) -> Option<(ExprId, &'b [Option<ClassId>])>,
    ) -> Vec<(LocalId, Type)> {
        let found = self.chunk.expr_ids().filter_map(find);
        let functions =
            found.filter_map(|(function, types)| Some((self.chunk.function_of(function)?, types)));
        functions
            .flat_map(|(function, types)| self.chunk.function(function).parameters.iter().copied().zip(types))
            .filter_map(|(local, ty)| Some((local, Type::Object((*ty)?))))
            .collect()
    }

    fn read_handler(
        &self,
        module: &mut Module,
        infer: &Infer<'_>,
        args: &[ExprId],
        conditional: bool,
    ) -> Vec<(LocalId, Type)> {
        let Some(first) = args.first() else { return Vec::new() };
        let names = self.names_in(*first);
        let connection = self.connection_option(args.get(1).copied());
        let link = connection.as_deref().filter(|name| !name.is_empty()).map(|name| infer.connection(name));
        let message = match names.as_slice() {
            [name] => {
                infer.message(link.as_ref(), &name.text).map(|(id, message)| infer.body(id, message.body))
            }
            _ => None,
        };
        module.handlers.push(Handler { names, connection, conditional });
        let Some(function) = args.last().and_then(|function| self.chunk.function_of(*function)) else {
            return Vec::new();
        };
        module.roots.push(function);
        let any_link = crate::infer::Link { name: None, speaks: crate::infer::Speaks::Unknown };
        let types = [
            Type::Object(ClassId::Mod),
            message.unwrap_or(Type::Unknown),
            Type::Connection(link.unwrap_or(any_link)),
        ];
        self.chunk.function(function).parameters.iter().copied().zip(types).collect()
    }

    /// The connection a handler is limited to: empty for all, `None` when it is made at run time.
    fn connection_option(&self, options: Option<ExprId>) -> Option<String> {
        let Some(options) = options else { return Some(String::new()) };
        if self.chunk.function_of(options).is_some() {
            return Some(String::new());
        }
        let (_, fields) = self.chunk.table_of(options)?;
        match fields.iter().find(|field| field.is_named("connection")) {
            Some(field) => self.chunk.constant(field.value),
            None => Some(String::new()),
        }
    }

    fn read_task(&self, module: &mut Module, args: &[ExprId], conditional: bool) -> Vec<(LocalId, Type)> {
        let Some(first) = args.first() else { return Vec::new() };
        let Some(text) = self.chunk.constant(*first) else {
            module.open = true;
            return Vec::new();
        };
        let name = Name { text, span: self.chunk.span(*first) };
        let options =
            args.get(1).and_then(|options| self.chunk.table_of(*options)).map_or(&[][..], |(_, f)| f);
        let option = |name: &str| options.iter().find(|field| field.is_named(name)).map(|field| field.value);
        let steps = option("steps").map(|steps| self.names_in(steps)).unwrap_or_default();
        module.tasks.push(Task { name, steps, conditional });
        let functions = [args.last().copied(), option("when")];
        let mut typed = Vec::new();
        for function in
            functions.into_iter().flatten().filter_map(|function| self.chunk.function_of(function))
        {
            module.roots.push(function);
            let first = self.chunk.function(function).parameters.first();
            typed.extend(first.map(|local| (*local, Type::Object(ClassId::Mod))));
        }
        typed
    }
}

impl Module {
    pub(crate) fn has_method(&self, name: &str) -> bool {
        self.methods.iter().any(|method| method.name.text == name)
    }
}
