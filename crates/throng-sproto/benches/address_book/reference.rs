//! The C implementation that the PyPI package `sproto` carries, in a process of its own that runs a harness of ours. The
//! benchmark of Lua tables has this file too.

use std::error::Error;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use nix::time::{ClockId, clock_gettime};

/// The last version with its sources.
const PACKAGE: &str = "sproto==0.1.2";

/// What is compiled and run.
pub(super) struct Harness<'a> {
    /// What the program is called; its arguments are the schema's bundle and these.
    pub(super) name: &'a str,
    pub(super) arguments: Vec<OsString>,
    /// Its source, and which of the package's go with it.
    pub(super) source: &'a Path,
    pub(super) with: &'a [&'a str],
    /// Behind the sources on the compiler's command line.
    pub(super) flags: Vec<OsString>,
}

pub(super) struct Reference {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Reference {
    /// Fetches, compiles and starts it. `SPROTO_SOURCE` names a folder with the package's C to use instead.
    pub(super) fn start(harness: &Harness<'_>, bundle: &[u8]) -> Result<Reference, Box<dyn Error>> {
        let folder = folder()?;
        let source = match env::var_os("SPROTO_SOURCE") {
            Some(source) => PathBuf::from(source),
            None => fetched(&folder)?,
        };
        let program = folder.join(harness.name);
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        run(Command::new(compiler)
            .arg("-O2")
            .arg("-I")
            .arg(&source)
            .arg("-o")
            .arg(&program)
            .arg(harness.source)
            .args(harness.with.iter().map(|file| source.join(file)))
            .args(&harness.flags))?;
        let bundle_file = folder.join(format!("{}.bundle", harness.name));
        fs::write(&bundle_file, bundle)?;
        let mut process = Command::new(program)
            .arg(bundle_file)
            .args(&harness.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        Ok(Reference { process, input, output })
    }

    /// What it makes of the address book, for comparison.
    pub(super) fn check(&mut self) -> Result<String, Box<dyn Error>> {
        self.ask("check 1")
    }

    /// The nanoseconds of processor time that so many runs of a case take.
    pub(super) fn time(&mut self, case: &str, count: u32) -> Result<f64, Box<dyn Error>> {
        Ok(self.ask(&format!("{case} {count}"))?.parse()?)
    }

    fn ask(&mut self, line: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.input.as_mut().ok_or("it has ended")?, "{line}")?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer)? == 0 {
            return Err(format!("the reference ended: {}", self.process.wait()?).into());
        }
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.input = None;
        // Nothing is left to be done about a process that cannot be waited for.
        let _ = self.process.wait();
    }
}

/// Where everything is fetched and made.
pub(super) fn folder() -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sproto-reference");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Has this process, and those that it starts, run on one core, which is the last.
#[cfg(target_os = "linux")]
pub(super) fn pin() -> Result<(), Box<dyn Error>> {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let mut cores = (0..CpuSet::count()).rev();
    let last = cores.find(|core| allowed.is_set(*core).unwrap_or(false)).ok_or("there is no core")?;
    let mut one = CpuSet::new();
    one.set(last)?;
    Ok(sched_setaffinity(this, &one)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn pin() -> Result<(), Box<dyn Error>> {
    Ok(())
}

/// The nanoseconds of processor time that `work` takes; what else runs on the machine is not counted.
pub(super) fn timed<E: From<nix::Error>>(work: impl FnOnce() -> Result<(), E>) -> Result<f64, E> {
    let now = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
    let start = now()?;
    work()?;
    Ok((now()? - start).as_nanos() as f64)
}

/// The one in the middle, by size.
pub(super) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn fetched(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let source = folder.join("source/sproto");
    if source.join("sproto.c").exists() {
        return Ok(source);
    }
    eprintln!("fetching the sources of {PACKAGE} into {}", folder.display());
    let venv = folder.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let pip = || {
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["--quiet", "--disable-pip-version-check"]);
        pip
    };
    // pip asks a source package for its name, and this one needs Cython to answer.
    run(pip().args(["install", "setuptools", "wheel", "cython"]))?;
    run(pip()
        .args(["download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest"])
        .arg(folder)
        .arg(PACKAGE))?;
    fs::create_dir_all(folder.join("source"))?;
    run(Command::new("tar")
        .arg("xzf")
        .arg(folder.join("sproto-0.1.2.tar.gz"))
        .arg("--strip-components=1")
        .arg("-C")
        .arg(folder.join("source")))?;
    Ok(source)
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
