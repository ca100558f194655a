//! The files a report is written to: at every kind of end, the same from the run store, and refused beforehand when they cannot
//! be written.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::Value;
use throng_demo::ServerKind;

use crate::play::{GAME, Played, Project, Running, settings, throng, wait_until};
use crate::servers::Server;

/// Robots that ask again and again.
const PLAYER: &str = "local player = throng.mod()
     function player:start() self.robot:connect('game', throng.host) end
     player:task('ask', function(self)
       throng.check('echoed', self.robot.game:request('EchoRequest', { Text = 'hi' }).Text ~= '')
       self.robot:sleep(0.05)
     end)
     return player\n";

/// All files of a run with this name.
fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let ends = [".html", ".xml", "_stats.csv", "_stats_history.csv", "_failures.csv", "_exceptions.csv"];
    ends.map(|end| folder.join(format!("{name}{end}"))).into()
}

fn flags(folder: &Path, name: &str) -> Vec<String> {
    let of = |end: &str| folder.join(format!("{name}{end}")).display().to_string();
    [("--html", ".html"), ("--junit", ".xml"), ("--csv", "")]
        .into_iter()
        .flat_map(|(flag, end)| [flag.to_owned(), of(end)])
        .collect()
}

/// Runs another command on the project.
fn ask(project: &Project, args: &[&str]) -> Played {
    let mut command = throng();
    command.args(args).args(["-p".as_ref(), project.path()]);
    project.played(Running::start(command).wait())
}

/// What a page was given.
#[track_caller]
fn figures(path: &Path) -> Value {
    let page = fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("id=\"figures\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_page_has_what_the_json_has_and_what_happened_when() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 3, GAME), PLAYER);
    let flags = flags(project.path(), "run");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let played = project.run(&[&["-t", "3s", "--seed", "5", "--note", "one"], &flags[..]].concat());
    played.passed();
    for file in files(project.path(), "run") {
        assert!(played.stdout.contains(&file.display().to_string()), "{}", played.stdout);
    }
    let page = figures(&project.path().join("run.html"));
    assert_eq!(&page["summary"], played.report().value());
    assert_eq!(
        (&page["seed"], &page["run"]["number"], &page["run"]["note"]),
        (&"5".into(), &1.into(), &"one".into())
    );
    let timeline = &page["timeline"];
    let wanted = timeline["robots"]["wanted"].as_array().unwrap();
    assert_eq!(
        (&wanted[0], &wanted[1], wanted.last()),
        (&3.into(), &3.into(), Some(&0.into())),
        "{wanted:?}"
    );
    let sum: u64 = timeline["traffic"]["replies"].as_array().unwrap().iter().filter_map(Value::as_u64).sum();
    assert_eq!(sum, played.report().books("EchoRequest").ok, "no second is missing");
    let settings = page["summary"]["environment"]["settings"].as_array().unwrap();
    assert!(settings.iter().any(|one| one["key"] == "load.robots" && one["value"] == "3"), "{settings:?}");
    let again = project.path().join("again.html");
    let reported = ask(&project, &["report", "--html", again.to_str().unwrap()]);
    assert_eq!(reported.code, Some(0), "{}", reported.stderr);
    assert_eq!(figures(&again), page, "the store knows the same");
}

#[test]
fn files_are_written_when_a_run_is_interrupted() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 2, GAME), PLAYER);
    let flags = flags(project.path(), "run");
    let mut arguments = vec!["-t", "4m", "--no-store"];
    arguments.extend(flags.iter().map(String::as_str));
    let running = Running::start(project.command(&arguments));
    wait_until("robots play", || server.counts().connections.accepted >= 2);
    running.signal(Signal::SIGINT);
    let played = project.played(running.wait());
    assert_eq!(played.code, Some(130), "{}", played.stderr);
    for file in files(project.path(), "run") {
        assert!(file.is_file(), "{}", file.display());
    }
    assert_eq!(figures(&project.path().join("run.html"))["summary"]["verdict"], "interrupted");
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_run() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 1, GAME), PLAYER);
    for flag in ["--html", "--json", "--junit", "--csv"] {
        let mut command = throng();
        command.arg("run").arg(project.path()).args([flag, "/nowhere/at/all"]);
        let played = project.played(Running::start(command).wait());
        assert_eq!(played.code, Some(2), "{}", played.stdout);
        let end = if flag == "--csv" { "_stats.csv" } else { "" };
        let said = format!("error: {flag} /nowhere/at/all{end}: there is no folder /nowhere/at\n");
        assert_eq!(played.stderr, said);
    }
    assert_eq!(server.counts().connections.accepted, 0);
}

/// The rows of a CSV file without quoted line breaks, cell by cell.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with("\r\n"), "{text}");
    text.trim_end().split("\r\n").map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn locusts_files_hold_what_the_json_holds() {
    let server = Server::start(ServerKind::Game, &["game.EchoRequest.drop=20"]);
    let toml = format!("{GAME}request_timeout = \"200ms\"\n[thresholds]\n\"errors.rate\" = \"< 90%\"\n");
    let project = Project::new(&settings(&server.url(), 3, &toml), PLAYER);
    let flags = flags(project.path(), "run");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let played = project.run(&[&["-t", "3s", "--csv-full-history"], &flags[..]].concat());
    played.passed();
    let books = played.report().books("EchoRequest");
    let stats = rows(&project.path().join("run_stats.csv"));
    let echo = stats.iter().find(|row| row[1] == "EchoRequest").unwrap();
    let counts = [&echo[0], &echo[2], &echo[3]];
    assert_eq!(counts, ["game", &(books.ok + books.failures).to_string(), &books.failures.to_string()]);
    let p50: f64 = echo[11].parse().unwrap();
    assert!((p50 * 1e3 - played.report().latency("EchoRequest", "p50")).abs() < 1.0, "{echo:?}");
    let history = rows(&project.path().join("run_stats_history.csv"));
    let all: Vec<_> = history.iter().filter(|row| row[3] == "Aggregated").collect();
    // One a second, in which a busy machine may have slept.
    assert!((2..=9).contains(&all.len()), "{history:?}");
    assert_eq!(all[1][1], "3", "users in the second second");
    assert_eq!(all.last().unwrap()[17], echo[2], "the last row has the totals");
    assert!(history.iter().any(|row| row[3] == "EchoRequest"));
    let failures = rows(&project.path().join("run_failures.csv"));
    let timeout = failures.iter().find(|row| row[2].starts_with("timeout: ")).unwrap();
    assert_eq!((&timeout[0], &timeout[1]), (&"game".to_owned(), &"EchoRequest".to_owned()));
    assert!(timeout[4].ends_with('Z') && timeout[4] <= timeout[5], "{timeout:?}");
    let junit = fs::read_to_string(project.path().join("run.xml")).unwrap();
    assert!(junit.contains("<testcase name=\"errors.rate &lt; 90%\" classname=\"thresholds\""), "{junit}");
}

#[test]
fn a_kept_run_has_the_same_files_again() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 2, GAME), PLAYER);
    let first = flags(project.path(), "run");
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    project.run(&[&["-t", "2s"], &first[..]].concat()).passed();
    let again = flags(project.path(), "again");
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    let reported = ask(&project, &[&["report"], &again[..]].concat());
    assert_eq!(reported.code, Some(0), "{}", reported.stderr);
    let texts =
        |name| files(project.path(), name).iter().map(fs::read_to_string).map(Result::unwrap).collect();
    let [then, now]: [Vec<String>; 2] = [texts("run"), texts("again")];
    for at in [2, 4, 5] {
        assert_eq!(then[at], now[at]);
    }
    // Seconds are kept to the millisecond, and rates of them differ in the last digits.
    assert_eq!(then[3].lines().count(), now[3].lines().count());
    assert_eq!(then[1].matches("<testcase").count(), now[1].matches("<testcase").count());
    assert!(then[0] == now[0], "the pages differ");
}
