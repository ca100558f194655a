//! Robot projects in folders of their own, and runs of the binary on them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::report::Report;

/// No run takes this long by itself, on a slow and busy machine either.
const LIMIT: Duration = Duration::from_secs(300);

/// Held for writing by runs that want the machine to themselves.
static MACHINE: RwLock<()> = RwLock::new(());

/// The envelope protocol of the demo's lobby and game; further settings of it may follow.
pub(crate) const GAME: &str = r#"
[protocols.game]
hosts = "ws://*"
codec = "sproto"
schema = "protos/game"
envelope = { type = "Msg", name = "Name", body = "Bin" }
reply = { "*Request" = "*Response", "LoginReuest" = "LoginRespone" }
on_close = "call"
"#;

/// The RPC protocol of the demo's battle.
pub(crate) const BATTLE: &str = r#"
[protocols.battle]
hosts = "tcp://*"
framing = { length = "u16be" }
codec = "sproto"
schema = { send = "protos/battle/c2s.sproto", receive = "protos/battle/s2c.sproto" }
package = "package"
reply = "session"
on_close = "call"
"#;

/// Raw bytes, as the demo's echoes send them back.
pub(crate) const ECHO: &str = r#"
[protocols.echo]
framing = { length = "u16be" }
codec = "raw"
reply = "fifo"
on_close = "call"
"#;

/// For runs whose errors are the point.
pub(crate) const ANY_ERRORS: &str = "[thresholds]\n\"errors.rate\" = \"<= 100%\"\n";

/// The settings of `robots` robots on one shard, which begin at once and pause for nothing.
pub(crate) fn settings(url: &str, robots: u64, protocol: &str) -> String {
    format!(
        "[target]\nhost = \"{url}\"\n\
         [load]\nrobots = {robots}\nspawn_rate = 1000\nrun_time = \"2m\"\nshards = 1\n\
         [robot]\nwait = 0\n{protocol}"
    )
}

/// A mod whose robots connect as `game`, do `body` once, and end.
pub(crate) fn once(body: &str) -> String {
    format!(
        "local player = throng.mod()\n\
         function player:start() self.robot:connect('game', throng.host) end\n\
         player:task('play', function(self)\n\
         local game = self.robot.game\n\
         {body}\n\
         self.robot:stop()\n\
         end)\n\
         return player\n"
    )
}

/// Asks again and again until the server has stalled for a second. A server's stall begins when it has been there for three,
/// which is longer than robots need to come.
pub(crate) fn through_a_stall(ask: &str) -> String {
    format!(
        "local longest = 0
         while longest < 0.5 do
           local asked = throng.now()
           {ask}
           longest = math.max(longest, throng.now() - asked)
           self.robot:sleep('20ms')
         end"
    )
}

/// A robot project in a folder that goes away with it.
pub(crate) struct Project {
    dir: TempDir,
}

impl Project {
    /// One with the settings `toml`, the demo's schemas, and the mod `mods/player.lua`.
    pub(crate) fn new(toml: &str, player: &str) -> Project {
        let project = Project { dir: tempfile::tempdir().unwrap() };
        project
            .file("throng.toml", toml)
            .file("mods/player.lua", player)
            .file("protos/game/msg.sproto", include_str!("../../../throng-demo/protos/game/msg.sproto"))
            .file("protos/game/game.sproto", include_str!("../../../throng-demo/protos/game/game.sproto"))
            .file("protos/battle/c2s.sproto", include_str!("../../../throng-demo/protos/battle/c2s.sproto"))
            .file("protos/battle/s2c.sproto", include_str!("../../../throng-demo/protos/battle/s2c.sproto"))
    }

    /// The project with one file more, or another one in its place.
    pub(crate) fn file(self, path: &str, text: &str) -> Project {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where runs write their report.
    pub(crate) fn json(&self) -> PathBuf {
        self.path().join("report.json")
    }

    /// `throng run` on it, with a report.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = throng();
        command.arg("run").arg(self.path()).arg("--json").arg(self.json()).args(args);
        command
    }

    /// Runs it to its end; others may run beside it.
    pub(crate) fn run(&self, args: &[&str]) -> Played {
        let _beside = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        self.played(Running::start(self.command(args)).wait())
    }

    /// Runs it to its end while no other test runs one; `pinned` is the processor to run on.
    pub(crate) fn run_alone(&self, pinned: Option<usize>, args: &[&str]) -> Played {
        let _alone = alone();
        let command = self.command(args);
        self.played(
            Running::start(pinned.map_or_else(|| command, |processor| taskset(processor, self, args))).wait(),
        )
    }

    /// What a finished run left.
    pub(crate) fn played(&self, output: Output) -> Played {
        let report = std::fs::read_to_string(self.json()).ok().map(|text| Report::read(&text));
        Played::new(output, report)
    }
}

fn taskset(processor: usize, project: &Project, args: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(processor.to_string()).arg(env!("CARGO_BIN_EXE_throng"));
    command.arg("run").arg(project.path()).arg("--json").arg(project.json()).args(args);
    command
}

/// The machine without other runs.
fn alone() -> std::sync::RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The binary with an environment of ours alone.
pub(crate) fn throng() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throng"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("COLUMNS", "100");
    command
}

/// A run that has ended.
pub(crate) struct Played {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    report: Option<Report>,
}

impl Played {
    fn new(output: Output, report: Option<Report>) -> Played {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(!stdout.contains("NaN") && !stderr.contains("NaN"), "{stdout}{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        Played { code: output.status.code(), stdout, stderr, report }
    }

    /// The report; a run without one fails here, with what it said.
    #[track_caller]
    pub(crate) fn report(&self) -> &Report {
        match &self.report {
            Some(report) => report,
            None => panic!("no report; exit code {:?}\n{}{}", self.code, self.stdout, self.stderr),
        }
    }

    /// What was printed to stdout, with its line breaks taken out.
    pub(crate) fn said(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn has_report(&self) -> bool {
        self.report.is_some()
    }

    /// The report of a run that passed.
    #[track_caller]
    pub(crate) fn passed(&self) -> &Report {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.report().verdict(), "pass");
        self.report()
    }
}

/// A child process; it does not outlive this.
pub(crate) struct Running {
    child: Child,
    stdout: Option<thread::JoinHandle<Vec<u8>>>,
    stderr: Option<thread::JoinHandle<Vec<u8>>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().map(gather);
        let stderr = child.stderr.take().map(gather);
        Running { child, stdout, stderr }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for the end and gives what was printed.
    pub(crate) fn wait(mut self) -> Output {
        let status = self.status();
        let text = |thread: Option<thread::JoinHandle<Vec<u8>>>| thread.map(|thread| thread.join().unwrap());
        Output {
            status,
            stdout: text(self.stdout.take()).unwrap_or_default(),
            stderr: text(self.stderr.take()).unwrap_or_default(),
        }
    }

    fn status(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < LIMIT, "the run does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Waits until something holds, which it does within moments unless the machine is busy.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: it never came to that");
        thread::sleep(Duration::from_millis(5));
    }
}
