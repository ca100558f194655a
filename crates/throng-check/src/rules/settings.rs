//! `[tasks]` of the project file: every key names a task of a mod.

use crate::draft::Draft;
use crate::lua::Span;
use crate::model::File;
use crate::nearest::nearest;
use crate::project::{Role, Settings, TaskKey};

pub(crate) fn settings(settings: &Settings, files: &[File<'_>], all_read: bool) -> Vec<Draft> {
    match all_read {
        true => settings.tasks.iter().filter_map(|key| check(key, files)).collect(),
        false => Vec::new(),
    }
}

fn check(key: &TaskKey, files: &[File<'_>]) -> Option<Draft> {
    let span = Span { start: key.span.start, end: key.span.end };
    let mods = || files.iter().filter(|file| file.source.role == Role::Mod);
    let Some((name, task)) = key.name.split_once('.') else {
        let tasks = all_tasks(files);
        let same = tasks.iter().filter(|full| full.ends_with(&format!(".{}", key.name))).cloned().collect();
        let message = format!("`{}` does not say of which mod it is a task", key.name);
        return Some(
            Draft::error(span, message).wanted("a mod's name, a dot and a task's name").suggest(same),
        );
    };
    let Some(file) = mods().find(|file| file.source.name == name) else {
        let suggestions = nearest(name, mods().map(|file| file.source.name.as_str()));
        let suggestions = suggestions.into_iter().map(|near| format!("{near}.{task}")).collect();
        return Some(Draft::error(span, format!("there is no mod `{name}`")).suggest(suggestions));
    };
    let module = file.module.as_ref().filter(|module| !module.open)?;
    if module.tasks.iter().any(|known| known.name.text == task)
        || module.methods.iter().any(|m| m.name.text == "tasks")
    {
        return None;
    }
    let suggestions = nearest(task, module.tasks.iter().map(|known| known.name.text.as_str()));
    let suggestions = suggestions.into_iter().map(|near| format!("{name}.{near}")).collect();
    Some(Draft::error(span, format!("mod `{name}` has no task `{task}`")).suggest(suggestions))
}

fn all_tasks(files: &[File<'_>]) -> Vec<String> {
    let modules = files.iter().filter_map(|file| Some((file.source.name.as_str(), file.module.as_ref()?)));
    modules
        .flat_map(|(name, module)| module.tasks.iter().map(move |task| format!("{name}.{}", task.name.text)))
        .collect()
}
