//! Whether `throng compare` is to be trusted: pairs of runs against the demo server that are alike, and pairs of which the second
//! run met a server that is 5 % slower.
//!
//! Each pair has two runs of its own, one after the other, each with a server, a project and a store of its own; none is used
//! in two pairs, or pairs would depend on each other. Many pairs are played at once at a low load, alike and unlike ones in
//! turn, so that whatever else the machine does meets both kinds.

use crate::machine;
use crate::options::PairOptions;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

const SCHEMAS: [(&str, &str); 2] = [
    ("msg.sproto", include_str!("../../throng-demo/protos/game/msg.sproto")),
    ("game.sproto", include_str!("../../throng-demo/protos/game/game.sproto")),
];

const PLAYER: &str = "\
local player = throng.mod()
function player:start() self.robot:connect('game', throng.host) end
player:task('echo', function(self) self.robot.game:request('EchoRequest', { Text = 'hello' }) end)
return player
";

/// How long the server takes for a reply.
const USUAL: &str = "20ms";
/// The same and 5 %.
const SLOWER: &str = "21ms";

/// How many pairs of a kind were called different.
#[derive(Debug, Default)]
struct Found {
    pairs: usize,
    different: usize,
    /// How often which figure was.
    figures: BTreeMap<String, usize>,
}

/// Plays all pairs and prints what was found.
pub(crate) fn run(options: &PairOptions) -> Result<()> {
    println!("{}\n", machine::describe());
    let found = [Mutex::new(Found::default()), Mutex::new(Found::default())];
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..options.at_once.max(1) {
            scope.spawn(|| {
                loop {
                    let pair = next.fetch_add(1, Ordering::Relaxed);
                    if pair >= options.pairs * 2 {
                        return;
                    }
                    match differing(options, pair % 2 == 1) {
                        Ok(figures) => {
                            found[pair % 2].lock().unwrap_or_else(PoisonError::into_inner).add(&figures)
                        }
                        Err(error) => {
                            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    for (title, found) in ["alike", "the second 5 % slower"].iter().zip(found) {
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        println!(
            "{title}: {} of {} pairs called different {:?}",
            found.different, found.pairs, found.figures
        );
    }
    Ok(())
}

impl Found {
    fn add(&mut self, figures: &[String]) {
        self.pairs += 1;
        self.different += usize::from(!figures.is_empty());
        for figure in figures {
            *self.figures.entry(figure.clone()).or_default() += 1;
        }
    }
}

/// Plays a pair; the figures that were called better or worse.
fn differing(options: &PairOptions, slower: bool) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    project(folder.path(), options)?;
    play(folder.path(), options, USUAL)?;
    play(folder.path(), options, if slower { SLOWER } else { USUAL })?;
    let file = folder.path().join("compared.json");
    let mut command = Command::new(beside(&options.throng, "throng")?);
    command.args(["compare", "1", "2", "--json"]).arg(&file).arg("-p").arg(folder.path());
    quietly(command)?;
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let rows = document["comparison"]["rows"].as_array().context("the document has rows")?;
    let different = rows.iter().filter(|row| row["finding"] == "worse" || row["finding"] == "better");
    let name = |row: &Value| {
        let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", word("message"), word("metric"), word("finding"))
    };
    Ok(different.map(name).collect())
}

fn project(folder: &Path, options: &PairOptions) -> Result<()> {
    let toml = format!(
        "[load]\nrobots = {}\nspawn_rate = 1000\nrun_time = {}\nshards = 1\n[robot]\nwait = 0.1\n\
         [protocols.game]\nhosts = \"ws://*\"\ncodec = \"sproto\"\nschema = \"protos/game\"\n\
         envelope = {{ type = \"Msg\", name = \"Name\", body = \"Bin\" }}\n\
         reply = {{ \"*Request\" = \"*Response\", \"LoginReuest\" = \"LoginRespone\" }}\n",
        options.robots, options.seconds
    );
    for name in ["mods", "protos/game"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    std::fs::write(folder.join("throng.toml"), toml)?;
    std::fs::write(folder.join("mods/player.lua"), PLAYER)?;
    for (name, text) in SCHEMAS {
        std::fs::write(folder.join("protos/game").join(name), text)?;
    }
    Ok(())
}

/// A server that ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // A server that ended by itself is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One run against a server of its own.
fn play(folder: &Path, options: &PairOptions, delay: &str) -> Result<()> {
    let mut command = Command::new(beside(&options.demo, "throng-demo")?);
    command
        .args(["--lobby", "off", "--battle", "off", "--game", "127.0.0.1:0"])
        .args(["--fault", &format!("game.EchoRequest.delay={delay}")]);
    let mut server = Server(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
    let mut lines = BufReader::new(server.0.stdout.take().context("its output is piped")?).lines();
    let line = lines.next().context("the demo server did not start")??;
    let url = line.split_whitespace().nth(1).context("the demo server says its address")?.to_owned();
    let mut command = Command::new(beside(&options.throng, "throng")?);
    command.arg("run").arg(folder).args(["--host", &url, "--quiet", "--seed", "7"]);
    quietly(command)
}

fn quietly(mut command: Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The program that was named, or the one that was built with this one.
fn beside(named: &Option<PathBuf>, name: &str) -> Result<PathBuf> {
    match named {
        Some(path) => Ok(path.clone()),
        None => Ok(std::env::current_exe()?.with_file_name(name)),
    }
}
