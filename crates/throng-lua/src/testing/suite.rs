//! All tests of a project: they are found and counted first, so that a mistake in a file is known before any test runs.

use super::chunks::{TestFile, test_files};
use super::dialect::Dialect;
use super::failure::Trouble;
use super::natives::Dialects;
use super::world::{Asked, Declared, End, World};
use super::{TestFailure, TestOutcome, TestPlan, TestResult};
use crate::error::LoadError;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use throng_wire::ProtocolError;

/// How often a test may ask for other options.
const WORLDS: usize = 16;

/// Why the tests of a project could not be run.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// A mod or a file of tests does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The folder of tests cannot be read.
    #[error("{} cannot be read", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A protocol has no server's side.
    #[error("protocol `{name}` cannot be spoken by a server")]
    Protocol {
        /// The protocol's name.
        name: String,
        /// Why.
        #[source]
        source: Box<ProtocolError>,
    },
}

/// Runs the tests of a project one after the other, and tells each result as soon as it is known.
///
/// # Errors
/// Nothing was run: a file does not load, or cannot be read.
pub fn run_tests(plan: &TestPlan, mut told: impl FnMut(&TestResult)) -> Result<Vec<TestResult>, TestError> {
    let plan = Arc::new(plan.clone());
    let dialects = dialects(&plan)?;
    let files = test_files(&plan.project, &plan.folder)
        .map_err(|source| TestError::Folder { folder: plan.folder.clone(), source })?;
    let mut found = Vec::new();
    for file in files {
        let tests = World::open(&plan, &dialects, &file, Asked::new())?.tests();
        found.push((file, tests));
    }
    let mut results = Vec::new();
    for (file, tests) in &found {
        for (index, test) in tests.iter().enumerate().filter(|(_, test)| is_wanted(&plan, test)) {
            let result = run_test(&plan, &dialects, file, index, test);
            told(&result);
            results.push(result);
        }
    }
    Ok(results)
}

fn is_wanted(plan: &TestPlan, test: &Declared) -> bool {
    plan.only.as_ref().is_none_or(|text| test.name.contains(text.as_str()))
}

fn dialects(plan: &TestPlan) -> Result<Dialects, TestError> {
    let mut dialects = Vec::new();
    for route in &plan.settings.protocols {
        let Some(spec) = plan.protocols.iter().find(|spec| *spec.name == *route.protocol.name) else {
            continue;
        };
        let dialect = Dialect::new(spec, route.protocol.clone())
            .map_err(|source| TestError::Protocol { name: spec.name.clone(), source: Box::new(source) })?;
        dialects.push(Rc::new(dialect));
    }
    Ok(dialects.into())
}

fn run_test(
    plan: &Arc<TestPlan>,
    dialects: &Dialects,
    file: &TestFile,
    index: usize,
    test: &Declared,
) -> TestResult {
    let began = Instant::now();
    let mut result = TestResult {
        file: file.shown.clone(),
        line: test.line,
        name: test.name.clone(),
        took: Duration::ZERO,
        virtual_time: Duration::ZERO,
        log: Vec::new(),
        outcome: TestOutcome::Passed,
    };
    let mut asked = Asked::new();
    for _ in 0..WORLDS {
        let mut world = match World::open(plan, dialects, file, std::mem::take(&mut asked)) {
            Ok(world) => world,
            // Options can lead mods astray while they load.
            Err(error) => {
                result.outcome = failed(plan, None, &Trouble::new(&error.to_string(), ""));
                break;
            }
        };
        match world.run(index) {
            End::Passed => {}
            End::Failed(trouble) => result.outcome = failed(plan, Some(&world), &trouble),
            End::Again(more) => {
                asked = more;
                continue;
            }
        }
        result.virtual_time = world.now();
        result.log = world.stand().log.borrow().iter().map(|line| line.text.clone()).collect();
        break;
    }
    if !asked.is_empty() {
        let text = format!("world:options is called more than {WORLDS} times");
        result.outcome = failed(plan, None, &Trouble::new(&text, ""));
    }
    result.took = began.elapsed();
    result
}

fn failed(plan: &TestPlan, world: Option<&World>, trouble: &Trouble) -> TestOutcome {
    let project = world.map_or(&*plan.project, World::project);
    let mut failure = TestFailure {
        message: trouble.message.clone(),
        place: trouble.source_place(project),
        traceback: trouble.traceback.clone(),
        seed: plan.settings.seed,
        script_errors: Vec::new(),
        notes: Vec::new(),
        last: Vec::new(),
    };
    if let Some(world) = world {
        let stand = world.stand();
        failure.script_errors =
            stand.unexpected_errors().into_iter().map(|error| times(&error.message, error.count)).collect();
        let servers = stand.servers.borrow();
        failure.notes = servers.notes.iter().map(|(text, count)| times(text, *count)).collect();
        let of_robots = stand.failures().into_iter().map(|failure| {
            times(
                &format!("failure {} of {}: {}", failure.kind, failure.name, failure.message),
                failure.count,
            )
        });
        failure.notes.extend(of_robots);
        failure.last = stand.timeline.borrow().events();
    }
    TestOutcome::Failed(Box::new(failure))
}

fn times(text: &str, count: u64) -> String {
    if count == 1 { text.to_owned() } else { format!("{text} ({count} times)") }
}
