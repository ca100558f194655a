//! Scenarios: what the settings say of classes of robots, turned into the engine's terms with the mods and tasks at hand.

use crate::error::LoadError;
use crate::project::{LuaProject, ScenarioRules, TagFilter};
use crate::suggest;
use throng_engine::{Program, ScenarioSpec};

/// A task as its mod declares it, before settings change its weight.
pub(crate) struct Declared {
    pub(crate) tags: Vec<String>,
    pub(crate) weight: f64,
}

/// Puts the project's scenarios into the program.
///
/// # Errors
/// A mod, task or tag that no mod has, or mods of which one needs another that is left out.
pub(crate) fn add(
    program: &mut Program,
    declared: &[Declared],
    project: &LuaProject,
) -> Result<(), LoadError> {
    let specs = project.scenarios.iter().map(|rules| scenario(rules, program, declared, project));
    let specs = specs.collect::<Result<Vec<ScenarioSpec>, LoadError>>()?;
    if !specs.is_empty() {
        // A task that any of them plays is one of the run's.
        for (index, task) in program.tasks.iter_mut().enumerate() {
            task.weight = specs.iter().map(|spec| spec.weights[index]).fold(0.0, f64::max);
        }
    }
    program.scenarios = specs;
    Ok(())
}

fn scenario(
    rules: &ScenarioRules,
    program: &Program,
    declared: &[Declared],
    project: &LuaProject,
) -> Result<ScenarioSpec, LoadError> {
    let mods = mods(rules, program)?;
    let mut weights = Vec::new();
    if let Some(filter) = &rules.tags {
        check_tags(rules, filter, declared)?;
    }
    for (task, declared) in program.tasks.iter().zip(declared) {
        let admitted = rules.tags.as_ref().map(|filter| filter.admits(&declared.tags));
        // Where it has tags of its own, they decide in place of the run's; a weight from `[tasks]` goes before the mod's.
        let over = project.tasks.iter().find(|over| *over.task == *task.name).and_then(|over| over.weight);
        let weight = match admitted {
            None => task.weight,
            Some(true) => over.unwrap_or(declared.weight),
            Some(false) => 0.0,
        };
        weights.push(if mods[task.module] { weight } else { 0.0 });
    }
    for (name, weight) in &rules.weights {
        weights[own_task(rules, program, &mods, name)?] = *weight;
    }
    let mut rates = vec![None; program.tasks.len()];
    for (name, rate) in &rules.rates {
        rates[own_task(rules, program, &mods, name)?] = Some(*rate);
    }
    let ScenarioRules { wait, task_rate, .. } = *rules;
    Ok(ScenarioSpec { name: rules.name.as_str().into(), mods, weights, wait, task_rate, rates })
}

/// A task of its mods by its name.
fn own_task(rules: &ScenarioRules, program: &Program, mods: &[bool], name: &str) -> Result<usize, LoadError> {
    let own = || program.tasks.iter().enumerate().filter(|(_, task)| mods[task.module]);
    own().find(|(_, task)| *task.name == *name).map(|(index, _)| index).ok_or_else(|| {
        let known = own().map(|(_, task)| &*task.name);
        refuse(rules, "tasks", suggest::unknown("task", name, known))
    })
}

/// Which of the program's mods its robots have.
fn mods(rules: &ScenarioRules, program: &Program) -> Result<Vec<bool>, LoadError> {
    let Some(names) = &rules.mods else { return Ok(vec![true; program.mods.len()]) };
    let mut mods = vec![false; program.mods.len()];
    for name in names {
        let Some(index) = program.mods.iter().position(|module| *module.name == **name) else {
            let known = program.mods.iter().map(|module| &*module.name);
            return Err(refuse(rules, "mods", suggest::unknown("mod", name, known)));
        };
        mods[index] = true;
    }
    for (module, _) in program.mods.iter().zip(&mods).filter(|(_, has)| **has) {
        if let Some(need) = module.needs.iter().find(|need| !mods[**need]) {
            let need = &program.mods[*need].name;
            return Err(refuse(
                rules,
                "mods",
                format!("mod '{}' needs '{need}', which is left out", module.name),
            ));
        }
    }
    Ok(mods)
}

fn check_tags(rules: &ScenarioRules, filter: &TagFilter, declared: &[Declared]) -> Result<(), LoadError> {
    let known = || declared.iter().flat_map(|task| &task.tags).map(String::as_str);
    match filter.include.iter().find(|tag| !known().any(|known| known == tag.as_str())) {
        Some(stray) => {
            let unknown = suggest::unknown("tag", stray, known());
            Err(refuse(rules, "tags", format!("{unknown} (no task has it)")))
        }
        None => Ok(()),
    }
}

fn refuse(rules: &ScenarioRules, key: &str, message: impl std::fmt::Display) -> LoadError {
    LoadError::new("throng.toml", rules.line, format!("scenarios.{}.{key}: {message}", rules.name))
}
