//! The C implementation that the PyPI package `sproto` carries, in a process of its own that runs `reference.c`.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

/// The last version with its sources.
const PACKAGE: &str = "sproto==0.1.2";

pub(super) struct Reference {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Reference {
    /// Fetches, compiles and starts it. `SPROTO_SOURCE` names a folder with `sproto.c` and `sproto.h` to use instead.
    pub(super) fn start(bundle: &[u8]) -> Result<Reference, Box<dyn Error>> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sproto-reference");
        fs::create_dir_all(&folder)?;
        let source = match env::var_os("SPROTO_SOURCE") {
            Some(source) => PathBuf::from(source),
            None => fetched(&folder)?,
        };
        let program = folder.join("reference");
        let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/address_book/reference.c");
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        run(Command::new(compiler)
            .arg("-O2")
            .arg("-I")
            .arg(&source)
            .arg("-o")
            .arg(&program)
            .arg(harness)
            .arg(source.join("sproto.c")))?;
        let bundle_file = folder.join("address_book.bundle");
        fs::write(&bundle_file, bundle)?;
        let mut process =
            Command::new(program).arg(bundle_file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        Ok(Reference { process, input, output })
    }

    /// What it encodes and packs the address book to, in hex, and what it decodes that to.
    pub(super) fn check(&mut self) -> Result<String, Box<dyn Error>> {
        self.ask("check 1")
    }

    /// The nanoseconds that so many runs of a case take.
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
