//! Test results, and how a run went, as JUnit XML, which CI servers read.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use throng_lua::testing::{TestOutcome, TestResult};
use throng_metrics::{CheckSummary, Summary, ThresholdSummary, Verdict, units};

use crate::commands::explain;

/// The results of the project `name`: a suite for each file.
///
/// # Errors
/// A text cannot be written as XML.
pub fn report(name: &str, results: &[TestResult]) -> Result<String, SerializeError> {
    let mut report = Report::new(name);
    report.set_time(results.iter().map(|result| result.took).sum());
    for of_file in results.chunk_by(|one, other| one.file == other.file) {
        let mut suite = TestSuite::new(of_file[0].file.as_str());
        suite.set_time(of_file.iter().map(|result| result.took).sum());
        suite.add_test_cases(of_file.iter().map(case));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(result: &TestResult) -> TestCase {
    let status = match &result.outcome {
        TestOutcome::Passed => TestCaseStatus::success(),
        TestOutcome::Failed(failure) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(failure.message.as_str());
            // The log has a place of its own in the report.
            status.set_description(explain(failure, &[]));
            status
        }
    };
    let mut case = TestCase::new(result.name.as_str(), status);
    case.set_classname(result.file.as_str());
    case.set_time(result.took);
    if !result.log.is_empty() {
        case.set_system_out(result.log.join("\n"));
    }
    case
}

/// A run: a suite of its verdict, one of its thresholds and one of its checks.
///
/// # Errors
/// A text cannot be written as XML.
pub fn of_run(summary: &Summary) -> Result<String, SerializeError> {
    let took = Duration::try_from_secs_f64(summary.duration_s).unwrap_or_default();
    let mut report = Report::new(summary.project.as_str());
    report.set_time(took);
    let mut run = suite("run", [verdict(summary, took)]);
    run.set_time(took);
    report.add_test_suite(run);
    report.add_test_suite(suite("thresholds", summary.thresholds.iter().map(threshold)));
    report.add_test_suite(suite("checks", summary.checks.iter().map(check)));
    report.to_string()
}

fn suite(name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    for mut case in cases {
        case.set_classname(name);
        suite.add_test_case(case);
    }
    suite
}

/// What no threshold says: that the run was carried out, and that anything succeeded.
fn verdict(summary: &Summary, took: Duration) -> TestCase {
    let by_thresholds = summary.thresholds.iter().any(|threshold| !threshold.passed);
    let status = match summary.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        // Each threshold that does not hold has a case of its own.
        Verdict::Fail if by_thresholds => TestCaseStatus::success(),
        Verdict::Fail => failed(NonSuccessKind::Failure, "fail", &summary.reason),
        Verdict::Broken | Verdict::Interrupted => {
            failed(NonSuccessKind::Error, summary.verdict.name(), &summary.reason)
        }
    };
    let mut case = TestCase::new("carried out as planned", status);
    case.set_time(took);
    if summary.generator.limited {
        case.set_system_out(format!("limited by the generator: {}", summary.generator.limited_by.join("; ")));
    }
    case
}

fn threshold(threshold: &ThresholdSummary) -> TestCase {
    let said = format!("wanted {}, measured {}", threshold.condition, threshold.actual);
    let said = match (&threshold.decided_by, &threshold.nearest) {
        (Some(name), _) => format!("{said} (decided by {name})"),
        (None, Some(name)) => format!("{said} (what was measured is {name})"),
        (None, None) => said,
    };
    let status = match threshold.passed {
        true => TestCaseStatus::success(),
        false => failed(NonSuccessKind::Failure, "threshold", &said),
    };
    let mut case = TestCase::new(format!("{} {}", threshold.key, threshold.condition), status);
    if threshold.passed {
        case.set_system_out(said);
    }
    case
}

/// A check fails when it ever did not hold: how often it may is for thresholds to say.
fn check(check: &CheckSummary) -> TestCase {
    let asked = check.passed.saturating_add(check.failed);
    let status = match check.failed {
        0 => TestCaseStatus::success(),
        failures => {
            let share = units::percent(failures as f64 / asked.max(1) as f64);
            failed(NonSuccessKind::Failure, "check", &format!("{failures} of {asked} did not hold ({share})"))
        }
    };
    TestCase::new(check.name.as_str(), status)
}

fn failed(kind: NonSuccessKind, of: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(of);
    status.set_message(message);
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use throng_engine::RobotId;
    use throng_lua::testing::{SourcePlace, TestEvent, TestFailure};
    use throng_metrics::{Answer, Ledger, Recorder, RunEnd, RunRecord, Threshold, Thresholds, no_sample};

    fn result(file: &str, name: &str, outcome: TestOutcome) -> TestResult {
        TestResult {
            file: file.to_owned(),
            line: 3,
            name: name.to_owned(),
            took: Duration::from_millis(12),
            virtual_time: Duration::from_secs(60),
            log: vec!["a <line>".to_owned()],
            outcome,
        }
    }

    #[test]
    fn a_report_has_a_suite_for_each_file_and_says_why_a_test_failed() {
        let failure = TestFailure {
            message: "assertion failed!".to_owned(),
            place: Some(SourcePlace {
                file: "tests/b_test.lua".to_owned(),
                line: 9,
                source: "assert(robot.ready)".to_owned(),
            }),
            traceback: vec!["tests/b_test.lua:9: in field 'fn'".to_owned()],
            seed: 1,
            script_errors: vec!["mods/a.lua:1: \u{1}no".to_owned()],
            notes: vec!["ws://127.0.0.1:8765: no handler for 'EchoRequest'".to_owned()],
            last: vec![TestEvent {
                at: Duration::from_millis(500),
                robot: RobotId(0),
                text: "game -> EchoRequest { Text = \"hi\" }".to_owned(),
            }],
        };
        let results = [
            result("tests/a_test.lua", "one", TestOutcome::Passed),
            result("tests/a_test.lua", "two", TestOutcome::Passed),
            result("tests/b_test.lua", "logs in", TestOutcome::Failed(Box::new(failure))),
        ];
        insta::assert_snapshot!(report("my_game", &results).expect("a report"));
    }

    fn summary(end: RunEnd, thresholds: &[(&str, &str)]) -> Summary {
        let mut recorder = Recorder::default();
        let echo = recorder.request("EchoRequest", "game");
        recorder.issued(echo);
        let answer = Answer { latency_us: 63_000, intended_us: None, observed_us: 63_000, generator_us: 0 };
        recorder.answered(echo, answer);
        let check = recorder.check("echo is <right>");
        recorder.check_passed(check);
        recorder.check_failed(check, no_sample);
        let check = recorder.check("gold is kept");
        recorder.check_passed(check);
        let mut ledger = Ledger::default();
        ledger.merge(&recorder.take());
        ledger.close_second(Duration::from_secs(1), "hold");
        let thresholds =
            thresholds.iter().map(|(key, condition)| Threshold::parse(key, condition).unwrap()).collect();
        let record = RunRecord {
            project: "my_game".into(),
            end,
            took: Duration::from_millis(1_500),
            thresholds: Thresholds::new(thresholds),
            ..RunRecord::default()
        };
        Summary::of(&ledger, &record)
    }

    #[test]
    fn a_run_has_a_case_for_each_threshold_and_check_and_says_why_one_failed() {
        let asked = [
            ("request.EchoRequest.p99", "< 50ms"),
            ("request.EchoReqest.p99", "< 50ms"),
            ("errors.rate", "< 90%"),
        ];
        insta::assert_snapshot!(of_run(&summary(RunEnd::Complete, &asked)).expect("a report"));
    }

    #[test]
    fn a_run_that_was_not_carried_out_is_an_error_with_its_reason() {
        let broken = of_run(&summary(RunEnd::Broken("a shard ended".into()), &[])).expect("a report");
        assert!(broken.contains("<error message=") && broken.contains("type=\"broken\""), "{broken}");
        let passed = of_run(&summary(RunEnd::Complete, &[("errors.rate", "< 90%")])).expect("a report");
        assert!(!passed.contains("<error"), "{passed}");
        let read = Report::deserialize_from_str(&passed).expect("what CI servers read");
        assert_eq!((read.tests, read.failures, read.errors), (4, 1, 0));
    }
}
