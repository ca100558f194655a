//! The AddressBook of Sproto's documentation from and to Lua tables, by throng and by the reference's own Lua binding, which is
//! compiled with the same Lua, turn about: `cargo bench -p throng-lua`. Needs `cc`, and `python3` the first time.

// What both benchmarks have in common; this one asks for less of it.
#[path = "../../../throng-sproto/benches/address_book/reference.rs"]
mod reference;

use reference::{Harness, Reference, folder, median, pin, timed};
use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use throng_lua::bench::CodecBench;
use throng_sproto::{Schema, SourceFile};
use throng_wire::{
    CodecSpec, Framing, Protocol, ProtocolSpec, SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

const SCHEMA: &str = include_str!("../../../throng-sproto/tests/typed/address_book.sproto");
const ROUNDS: usize = 31;
const RUNS: u32 = 10_000;

/// One thing that is done, and what it took where the limits were set: nanoseconds of C with callbacks into structs and of C
/// from and to tables of Lua 5.4, on a 2-core AMD EPYC virtual machine.
struct Case {
    name: &'static str,
    callbacks: f64,
    tables: f64,
    /// The part of the binding's time that is allowed.
    limit: f64,
}

const CASES: [Case; 4] = [
    Case { name: "encode", callbacks: 75.0, tables: 536.0, limit: 0.95 },
    Case { name: "decode", callbacks: 60.0, tables: 1490.0, limit: 0.7 },
    Case { name: "encode+pack", callbacks: 157.0, tables: 635.0, limit: 0.95 },
    Case { name: "unpack+decode", callbacks: 153.0, tables: 1634.0, limit: 0.7 },
];

/// Who does it: robots, whose messages go from a table to the connection's bytes and from these to a table, and scripts that
/// call `require "sproto"`, as they would call the reference.
const WAYS: [&str; 2] = ["robot", "script"];

fn main() -> Result<(), Box<dyn Error>> {
    pin()?;
    let schema = Schema::parse(&[SourceFile { name: "address_book.sproto", text: SCHEMA }])?;
    let bundle = schema.bundle();
    let mut callbacks = Reference::start(&callbacks_harness(), &bundle)?;
    let mut binding = Reference::start(&binding_harness()?, &bundle)?;
    let bench = throng(&bundle, &callbacks.check()?)?;
    let (expected, found) = (binding.check()?, bench.run("check", 1)?);
    if found != expected {
        return Err(format!("throng has\n{found}\nnot\n{expected}").into());
    }
    println!("{expected}; medians of {ROUNDS} rounds of {RUNS} runs, turn about, in ns of processor time.");
    println!(
        "The ratio is to the Lua binding: as it was in these rounds, and as the limits' figures scaled by C with callbacks.\n"
    );
    println!(
        "{:<22} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7}",
        "", "callbacks", "binding", "throng", "ratio", "scaled", "limit"
    );
    // Words on the command line choose among the cases; cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for case in CASES.iter().filter(|case| wanted.is_empty() || wanted.iter().any(|word| word == case.name)) {
        let [c, lua, ways @ ..] = measured(case, &mut callbacks, &mut binding, &bench)?;
        for (way, ours) in WAYS.into_iter().zip(ways) {
            let (ratio, scaled) = (ours / lua, ours / (c / case.callbacks * case.tables));
            let verdict = if ratio.max(scaled) <= case.limit { "met" } else { "NOT MET" };
            println!(
                "{:<22} {c:>9.1} {lua:>9.1} {ours:>9.1} {ratio:>7.2} {scaled:>7.2} {:>7.2}  {verdict}",
                format!("{way} {}", case.name),
                case.limit
            );
        }
    }
    Ok(())
}

/// The medians of C with callbacks, the Lua binding, robots and scripts.
fn measured(
    case: &Case,
    callbacks: &mut Reference,
    binding: &mut Reference,
    bench: &CodecBench,
) -> Result<[f64; 4], Box<dyn Error>> {
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(callbacks.time(case.name, RUNS)?);
        times[1].push(binding.time(case.name, RUNS)?);
        for (way, times) in WAYS.into_iter().zip(&mut times[2..]) {
            let took = timed::<Box<dyn Error>>(|| {
                bench.run(&format!("{way} {}", case.name), RUNS)?;
                Ok(())
            });
            times.push(took?);
        }
    }
    Ok(times.map(|times| median(times) / f64::from(RUNS)))
}

/// A Lua state as robots have it, with the message that C encoded.
fn throng(bundle: &[u8], checked: &str) -> Result<CodecBench, Box<dyn Error>> {
    let hex = checked.split(' ').next().unwrap_or_default();
    let pairs = hex.as_bytes().chunks_exact(2);
    let body: Result<Vec<u8>, _> =
        pairs.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16)).collect();
    let envelope = ".Msg { Name 0 : string Bin 1 : binary }";
    let files = [("address_book.sproto", SCHEMA), ("envelope.sproto", envelope)];
    let files = files.map(|(name, text)| SourceText { name: name.to_owned(), text: text.to_owned() });
    let shape = SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
    let schema = SchemaSpec::Both(files.into());
    let mut spec = ProtocolSpec::new("game", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }));
    spec.framing = Some(Framing::Fixed(8));
    let protocol = Arc::new(Protocol::build(spec)?);
    let message = protocol.message("AddressBook").ok_or("the schema has an AddressBook")?;
    Ok(CodecBench::new(protocol, message, &body?, include_str!("throng.lua"), bundle)?)
}

fn callbacks_harness() -> Harness<'static> {
    Harness {
        name: "callbacks",
        arguments: Vec::new(),
        source: Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../throng-sproto/benches/address_book/reference.c"
        )),
        with: &["sproto.c"],
        flags: Vec::new(),
    }
}

/// The Lua binding, with the Lua that throng is built with.
fn binding_harness() -> Result<Harness<'static>, Box<dyn Error>> {
    let target = target()?;
    let mut lua = lua_src::Build::new();
    lua.out_dir(folder()?.join("lua")).target(&target).host(&target).opt_level("3").debug(false);
    let lua = lua.try_build(lua_src::Lua54)?;
    let flag = |flag: &str, value: &Path| {
        let mut flag = OsString::from(flag);
        flag.push(value);
        flag
    };
    let mut flags = vec![flag("-I", lua.include_dir()), flag("-L", lua.lib_dir())];
    flags.extend(lua.libs().iter().map(|lib| flag("-l", Path::new(lib))));
    flags.extend(["-lm", "-ldl"].map(OsString::from));
    Ok(Harness {
        name: "binding",
        arguments: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/benches/address_book/reference.lua").into()],
        source: Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/address_book/reference.c")),
        with: &["sproto.c", "lsproto.c"],
        flags,
    })
}

/// What this machine is to a compiler.
fn target() -> Result<String, Box<dyn Error>> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not tell its host")?.to_owned())
}
