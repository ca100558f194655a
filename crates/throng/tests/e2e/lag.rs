//! A generator that is the limit of its own run says so.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::play::{ECHO, Project, settings};

const ROBOTS: u64 = 500;
const SERVERS: usize = 4;

/// What robots do between two echoes: work in their scripts, beside which the servers' is little on any machine.
const WORK: &str = "for _ = 1, 30000 do end";

/// The processors this thread may use.
fn processors() -> Vec<usize> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap();
    (0..CpuSet::count()).filter(|processor| set.is_set(*processor).unwrap()).collect()
}

/// This thread, and those it starts, stay on `processor`.
fn pin(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor).unwrap();
    sched_setaffinity(Pid::from_raw(0), &set).unwrap();
}

/// Servers whose threads stay on `processor`.
fn servers_on(processor: usize) -> Vec<Demo> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let start = move || {
        pin(processor);
        (0..SERVERS).map(|_| Demo::start(DemoOptions::empty().with(ServerKind::Echo)).unwrap()).collect()
    };
    std::thread::spawn(start).join().unwrap()
}

#[test]
fn closed_loop_robots_that_want_more_than_a_core_measure_mostly_the_generator() {
    let processors = processors();
    let generators = processors[processors.len() - 1];
    let servers = servers_on(processors[0]);
    let urls: Vec<String> = servers.iter().map(|demo| demo.url(ServerKind::Echo).unwrap()).collect();
    let player = format!(
        "local urls = {{ '{}' }}
         local player = throng.mod()
         function player:start() self.game = self.robot:connect('game', urls[self.robot.id % #urls + 1]) end
         player:task('echo', function(self)
           self.game:request('echo', ('x'):rep(64))
           {WORK}
         end)
         return player",
        urls.join("', '")
    );
    let toml = settings(&urls[0], ROBOTS, ECHO).replace("spawn_rate = 1000", "spawn_rate = 5000");
    let played = Project::new(&toml, &player).run_alone(Some(generators), &["-t", "8s"]);
    let report = played.passed();
    assert_eq!(report.number("/robots/ready"), ROBOTS);

    let generator = &report.value()["generator"];
    let share = generator["share_of_latency"].as_f64().unwrap();
    assert!(share > 0.5, "{generator}");
    assert_eq!(generator["limited"], true, "{generator}");
    let why = generator["limited_by"][0].as_str().unwrap();
    assert!(why.starts_with("most of the latency is the generator's"), "{why}");
    assert!(played.said().contains("limited by the generator"), "{}", played.stdout);
    let of_request = report.row("requests", "echo")["generator_share"].as_f64().unwrap();
    assert!(of_request > 0.5, "{of_request}");

    // Both sides count the same, for nothing was lost on the way.
    let books = report.books("echo");
    let answered: u64 = servers.into_iter().map(|demo| demo.stop().servers["echo"].replies["echo"]).sum();
    assert_eq!((books.failures, books.ok + books.cancelled), (0, books.count));
    assert!((books.ok..=books.count).contains(&answered), "{answered} {books:?}");
}
