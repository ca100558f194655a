//! `throng test`: the project's tests against fake servers, in virtual time.

use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;

use anyhow::Context;
use throng_lua::testing::{TestError, TestFailure, TestLimits, TestOutcome, TestPlan, TestResult, run_tests};
use throng_report::text::{clean, clean_lines};

use crate::cli::{OutputFlags, TestArgs};
use crate::config::{Config, Overrides};
use crate::exit::{Exit, InputError};
use crate::junit;
use crate::session::prepare::Prepared;

/// The folder of tests.
const FOLDER: &str = "tests";
/// The seed where the settings have none: a test that fails once fails again.
const SEED: u64 = 1;

pub(super) fn run(args: &TestArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let config = Config::load(&args.dir, &Overrides::with_environment(Vec::new()))?;
    let prepared = Prepared::new(&config);
    let mut settings = prepared.settings;
    settings.seed = config.load.seed.unwrap_or(SEED);
    let plan = TestPlan {
        project: prepared.project,
        settings,
        protocols: config.protocols.iter().map(|protocol| protocol.spec.clone()).collect(),
        folder: PathBuf::from(FOLDER),
        only: args.only.clone(),
        limits: TestLimits::default(),
    };
    let printer =
        Printer { colours: output.colours() && stdout().is_terminal(), verbose: output.verbose > 0 };
    let mut printed = Ok(());
    let mut file = String::new();
    let results = run_tests(&plan, |result| {
        if printed.is_ok() {
            printed = printer.line(&mut file, result);
        }
    });
    let results = results.map_err(input_error)?;
    printed?;
    if results.is_empty() {
        return Err(nothing_to_run(args).into());
    }
    if let Some(path) = &args.junit {
        let xml = junit::report(&prepared.name, &results).context("cannot make the JUnit report")?;
        std::fs::write(path, xml).with_context(|| format!("cannot write {}", path.display()))?;
    }
    printer.end(&results)?;
    let all_passed = results.iter().all(TestResult::passed);
    Ok(if all_passed { Exit::Success } else { Exit::Failed })
}

/// What keeps tests from running is for the user to change.
fn input_error(error: TestError) -> anyhow::Error {
    InputError(format!("{:#}", anyhow::Error::new(error))).into()
}

fn nothing_to_run(args: &TestArgs) -> InputError {
    let folder = args.dir.join(FOLDER);
    InputError(match &args.only {
        Some(text) => format!("no test in {} has `{text}` in its name", folder.display()),
        None => format!(
            "no tests: write {} with throng.test(\"name\", function(world) ... end)",
            folder.join("NAME_test.lua").display()
        ),
    })
}

/// How results are printed.
struct Printer {
    colours: bool,
    verbose: bool,
}

impl Printer {
    /// One test's line, under its file's name.
    fn line(&self, file: &mut String, result: &TestResult) -> std::io::Result<()> {
        let mut out = stdout().lock();
        if *file != result.file {
            result.file.clone_into(file);
            writeln!(out, "{}", clean(file))?;
        }
        let word = if result.passed() { self.paint("32", "ok  ") } else { self.paint("31", "FAIL") };
        let took = result.took.as_secs_f64();
        writeln!(out, "  {word}  {:<56} {took:>7.3} s", clean(&result.name))?;
        if self.verbose && result.passed() {
            result.log.iter().try_for_each(|line| writeln!(out, "          {}", clean(line)))?;
        }
        Ok(())
    }

    /// The failures, then the sum.
    fn end(&self, results: &[TestResult]) -> std::io::Result<()> {
        let mut out = stdout().lock();
        for result in results {
            if let TestOutcome::Failed(failure) = &result.outcome {
                let title = format!("{}: {}", clean(&result.file), clean(&result.name));
                writeln!(out, "\n{} {title}", self.paint("31", "FAIL"))?;
                clean_lines(&explain(failure, &result.log)).try_for_each(|line| writeln!(out, "  {line}"))?;
            }
        }
        let failed = results.iter().filter(|result| !result.passed()).count();
        let sum = format!("{} passed, {failed} failed", results.len() - failed);
        writeln!(out, "\n{}", self.paint(if failed == 0 { "32" } else { "31" }, &sum))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Everything there is to understand a failure by.
pub(crate) fn explain(failure: &TestFailure, log: &[String]) -> String {
    let mut text = String::new();
    match &failure.place {
        Some(place) => {
            text.push_str(&format!("{}:{}: {}\n", place.file, place.line, failure.message));
            if !place.source.is_empty() {
                text.push_str(&format!("    {}\n", place.source));
            }
        }
        None => text.push_str(&format!("{}\n", failure.message)),
    }
    if failure.traceback.len() > 1 {
        section(&mut text, "called from:", failure.traceback[1..].iter().cloned());
    }
    section(&mut text, "errors of robots' scripts:", failure.script_errors.iter().cloned());
    section(&mut text, "worth knowing:", failure.notes.iter().cloned());
    let last = failure
        .last
        .iter()
        .map(|event| format!("{:>9.3} s  robot-{}  {}", event.at.as_secs_f64(), event.robot.0, event.text));
    section(&mut text, "what robots did last:", last);
    section(&mut text, "log:", log.iter().cloned());
    text.push_str(&format!("seed {}\n", failure.seed));
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            text.push_str(title);
            text.push('\n');
        }
        text.push_str(&format!("    {line}\n"));
    }
}
