//! Test results as JUnit XML, which CI servers read.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use throng_lua::testing::{TestOutcome, TestResult};

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use throng_engine::RobotId;
    use throng_lua::testing::{SourcePlace, TestEvent, TestFailure};

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
}
