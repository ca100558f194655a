//! The shape of a mod: returned, its start, stop, closed and init recognised, nothing defined twice, every step of a
//! sequence there, every needed mod there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Scope, literal};
use crate::draft::Draft;
use crate::lua::{Chunk, ExprId, ExprKind, FunctionId, MAIN, Name, Span};
use crate::model::{File, Method, Module};
use crate::nearest::nearest;
use crate::project::Role;

const CALLBACKS: [&str; 4] = ["init", "start", "stop", "closed"];

/// What a mod's class has already.
const WORDS: [&str; 5] = ["task", "sequence", "on", "tasks", "robot"];

/// What other tools call our callbacks, folded.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("oninit", "init"),
    ("onstart", "start"),
    ("onstarted", "start"),
    ("onstop", "stop"),
    ("onstopped", "stop"),
    ("onclose", "closed"),
    ("onclosed", "closed"),
    ("ondisconnect", "closed"),
    ("ondisconnected", "closed"),
];

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    if scope.role() != Role::Mod {
        return;
    }
    out.extend(returned(scope));
    let Some(module) = &scope.file.module else { return };
    for method in module.methods.iter().filter(|method| !method.conditional) {
        out.extend(callback(scope, module, method));
    }
    without_self(scope, module, out);
    duplicates(scope, module, out);
    steps(module, out);
    needs(scope, module, out);
}

fn returned(scope: &Scope<'_>) -> Option<Draft> {
    let chunk = scope.chunk();
    let returns = &chunk.function(MAIN).returns;
    let Some(module) = &scope.file.module else {
        let help = "begin with `local name = throng.mod()` and end with `return name`";
        let start = Span { start: 0, end: 0 };
        return returns.is_empty().then(|| Draft::error(start, "this file does not return a mod").help(help));
    };
    let name = module.local.map_or("...", |local| chunk.local(local).name.text.as_str());
    let help = format!("end the file with `return {name}`");
    let Some(last) = returns.iter().rfind(|last| !last.conditional) else {
        return returns
            .is_empty()
            .then(|| Draft::warning(module.created, "the mod is never returned").help(help));
    };
    let wrong = match last.values.first() {
        None => true,
        Some(value) => is_no_mod(chunk, module, *value),
    };
    wrong.then(|| Draft::error(last.span, "this does not return the mod").help(help))
}

fn is_no_mod(chunk: &Chunk, module: &Module, value: ExprId) -> bool {
    match chunk.kind(chunk.bare(value)) {
        ExprKind::Nil => true,
        ExprKind::Local(local) if module.local == Some(*local) => false,
        ExprKind::Table(_) | ExprKind::Local(_) => chunk.table_of(value).is_some() && module.local.is_some(),
        _ => literal(chunk, value).is_some(),
    }
}

fn callback(scope: &Scope<'_>, module: &Module, method: &Method) -> Option<Draft> {
    let name = method.name.text.as_str();
    if WORDS.contains(&name) {
        let message = format!("`{name}` is a word of mods: name it otherwise");
        return Some(Draft::error(method.name.span, message));
    }
    if CALLBACKS.contains(&name) {
        return takes_self(scope, module, &method.name, method.function, "")
            .or_else(|| not_a_function(scope, method));
    }
    method.function?;
    let meant = meant_callback(name)?;
    if is_transposed(name, meant) && is_mentioned(scope, module, name) {
        return None;
    }
    let message = format!("`{name}` is never called: the engine calls `{meant}`");
    Some(Draft::error(method.name.span, message).suggest(vec![meant.to_owned()]))
}

fn not_a_function(scope: &Scope<'_>, method: &Method) -> Option<Draft> {
    let value = method.value.filter(|_| method.function.is_none())?;
    let found = literal(scope.chunk(), value)?;
    let message = format!("`{}` must be a function", method.name.text);
    Some(Draft::error(scope.chunk().span(value), message).wanted("a function").found(found.in_words()))
}

/// What the engine calls with the mod's object must take it: a function declared with a dot does not.
fn takes_self(
    scope: &Scope<'_>,
    module: &Module,
    name: &Name,
    function: Option<FunctionId>,
    table: &str,
) -> Option<Draft> {
    let chunk = scope.chunk();
    let names =
        chunk.function(function?).parameters.iter().map(|local| chunk.local(*local).name.text.as_str());
    let names: Vec<&str> = names.collect();
    if names.first() == Some(&"self") {
        return None;
    }
    let class = module.local.map_or("mod", |local| chunk.local(local).name.text.as_str());
    let message = format!("`{class}{table}.{}` has no `self`: a method is declared with a colon", name.text);
    let help = format!("write `function {class}{table}:{}({})`", name.text, names.join(", "));
    Some(Draft::error(name.span, message).help(help))
}

/// `function role.tasks.chat()`, and steps of sequences declared with a dot.
fn without_self(scope: &Scope<'_>, module: &Module, out: &mut Vec<Draft>) {
    for (table, name, function) in &module.shorthand {
        out.extend(takes_self(scope, module, name, Some(*function), table));
    }
    let is_step =
        |name: &str| module.tasks.iter().any(|task| task.steps.iter().any(|step| step.text == name));
    for method in module.methods.iter().filter(|method| is_step(&method.name.text)) {
        out.extend(takes_self(scope, module, &method.name, method.function, ""));
    }
}

fn meant_callback(name: &str) -> Option<&'static str> {
    let folded: String = name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
    if let Some((_, meant)) = OTHER_NAMES.iter().find(|(other, _)| *other == folded) {
        return Some(meant);
    }
    CALLBACKS.into_iter().find(|callback| folded == *callback || is_transposed(&folded, callback))
}

/// Two neighbouring letters changed places: a closer look than "one letter differs", which `shop` and `stop` also do.
fn is_transposed(name: &str, callback: &str) -> bool {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    letters(name) == letters(callback) && strsim::osa_distance(name, callback) == 1
}

/// Whether a script calls a method by itself, or names it.
fn is_mentioned(scope: &Scope<'_>, module: &Module, name: &str) -> bool {
    let called = scope.files.iter().any(|file| {
        let mut kinds = file.chunk.exprs.iter().map(|expr| &expr.kind);
        kinds.any(|kind| matches!(kind, ExprKind::Method { name: called, .. } if called.text == name))
    });
    let definitions = module.methods.iter().filter(|method| method.name.text == name).count();
    let strings = scope.chunk().exprs.iter();
    let named = strings.filter(|expr| matches!(&expr.kind, ExprKind::Str(text) if text == name)).count();
    called || named > definitions
}

fn duplicates(scope: &Scope<'_>, module: &Module, out: &mut Vec<Draft>) {
    let methods = module.methods.iter().filter(|method| !method.conditional && method.function.is_some());
    twice(scope, "methods", methods.map(|method| (method.name.text.clone(), &method.name)), out);
    let tasks = module.tasks.iter().filter(|task| !task.conditional);
    twice(scope, "tasks", tasks.map(|task| (task.name.text.clone(), &task.name)), out);
    let handlers = module.handlers.iter().filter(|handler| !handler.conditional);
    let handlers = handlers.filter_map(|handler| Some((handler.connection.as_ref()?, &handler.names)));
    let by_connection = handlers
        .flat_map(|(connection, names)| names.iter().map(move |n| (format!("{connection} {}", n.text), n)));
    twice(scope, "handlers of", by_connection, out);
}

/// Reports the later ones of those that have the same key, in the order of the file.
fn twice<'a>(
    scope: &Scope<'_>,
    what: &str,
    names: impl Iterator<Item = (String, &'a Name)>,
    out: &mut Vec<Draft>,
) {
    let mut names: Vec<(String, &Name)> = names.collect();
    names.sort_by_key(|(_, name)| name.span);
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (key, name) in &names {
        let line = scope.file.lines.line(name.span.start);
        match first.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(line);
            }
            Entry::Occupied(entry) => {
                let message = format!("there are two {what} `{}`", name.text);
                out.push(
                    Draft::error(name.span, message).help(format!("the first is in line {}", entry.get())),
                );
            }
        }
    }
}

fn steps(module: &Module, out: &mut Vec<Draft>) {
    if module.open {
        return;
    }
    for task in &module.tasks {
        for step in task.steps.iter().filter(|step| !module.has_method(&step.text)) {
            let methods = module.methods.iter().filter(|method| method.function.is_some());
            let suggestions = nearest(&step.text, methods.map(|method| method.name.text.as_str()));
            let message = format!("the step `{}` of `{}` has no method", step.text, task.name.text);
            out.push(Draft::error(step.span, message).suggest(suggestions));
        }
    }
}

fn needs(scope: &Scope<'_>, module: &Module, out: &mut Vec<Draft>) {
    let names = scope.mod_names();
    let own = scope.file.source.name.as_str();
    for need in &module.needs {
        if names.is_empty() {
            return;
        }
        if !names.contains(&need.text.as_str()) {
            let message = format!("there is no mod `{}`", need.text);
            let others = names.iter().copied().filter(|name| *name != own);
            out.push(Draft::error(need.span, message).suggest(nearest(&need.text, others)));
            continue;
        }
        let Some(path) = path_back(scope.files, &need.text, own) else { continue };
        // Every mod of the cycle has it; one of them says so.
        if path.iter().all(|name| own <= *name) {
            let message = format!("mods need each other in a circle: {own} -> {}", path.join(" -> "));
            out.push(Draft::error(need.span, message).help("none of them could start first"));
        }
    }
}

/// The needs that lead from one mod back to another.
fn path_back<'a>(files: &'a [File<'a>], from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut paths: Vec<Vec<&str>> = vec![vec![from]];
    let mut seen = vec![from];
    while let Some(path) = paths.pop() {
        let last = *path.last()?;
        if last == to {
            return Some(path);
        }
        let file = files.iter().find(|file| file.source.role == Role::Mod && file.source.name == last);
        let needs = file.and_then(|file| file.module.as_ref()).map_or(&[][..], |module| &module.needs);
        for need in needs.iter().rev() {
            if need.text == to || !seen.contains(&need.text.as_str()) {
                seen.push(&need.text);
                paths.push(path.iter().copied().chain([need.text.as_str()]).collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::meant_callback;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(meant_callback(name), expected, "{name}");
    }

    #[test]
    fn near_misses_of_callbacks_are_recognised() {
        check("on_start", Some("start"));
        check("onStop", Some("stop"));
        check("Start", Some("start"));
        check("statr", Some("start"));
        check("on_close", Some("closed"));
    }

    #[test]
    fn words_of_their_own_are_left_alone() {
        for name in ["shop", "close", "stats", "restart", "status", "unit", "step", "on_login"] {
            check(name, None);
        }
    }
}
