//! `throng-demo`: the demo game server as a program.

use std::{
    fs,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use throng_demo::{Demo, DemoOptions, FaultRule, Report, ServerKind, TlsOptions};

/// The demo game server: a lobby, a game and a battle to try robots on, with faults on request.
///
/// It prints its addresses and stays until Ctrl-C.
#[derive(Parser)]
#[command(version, after_long_help = FAULTS)]
struct Flags {
    /// Where the lobby listens (WebSocket, Sproto in an envelope)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765", value_parser = listen)]
    lobby: Listen,

    /// Where the game listens (WebSocket, Sproto in an envelope)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8766", value_parser = listen)]
    game: Listen,

    /// Where the battle listens (TCP, 2-byte frames, packed Sproto RPC)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8767", value_parser = listen)]
    battle: Listen,

    /// Where frames of a 2-byte length are sent back as they came (TCP)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    echo: Listen,

    /// Where messages are sent back as they came (WebSocket)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    echo_ws: Listen,

    /// Where datagrams are sent back as they came (UDP)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    echo_udp: Listen,

    /// Where messages are sent back as they came (KCP, with any conversation's number)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    echo_kcp: Listen,

    /// Where players log in and look at their profile (HTTP)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    web: Listen,

    /// Where users log in as at skynet's login server (TCP, lines)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    login: Listen,

    /// Where those who logged in send requests, as at skynet's gate (TCP, 2-byte frames)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    gate: Listen,

    /// An address that refuses every connection
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    refuse: Listen,

    /// Where connections are accepted, and then neither read nor written
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    mute: Listen,

    /// An address whose connections are never answered, so that connecting times out (Linux)
    #[arg(long, value_name = "ADDR", default_value = "off", value_parser = listen)]
    unanswered: Listen,

    /// Something to go wrong: SERVER.FAULT=VALUE or SERVER.MESSAGE.FAULT=VALUE (see --help); may be repeated
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<FaultRule>,

    /// Seconds between the battle's heartbeat pushes
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    heartbeat: Duration,

    /// All servers speak TLS, with certificates made at the start; their authority's is written here (PEM)
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,

    /// What jitter is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Threads that serve
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,

    /// Where to write the exact counts as JSON at the end
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

const FAULTS: &str = "\
An ADDR is HOST:PORT, a port alone (on loopback), or off; port 0 is a free one.

Faults. N means every Nth over the whole server; a TIME is 50ms, 1.5s, 2m.
  delay=TIME                  each reply leaves this long after its request was read
  jitter=TIME                 adds up to this to the delay
  drop=N                      the reply is not sent; of echo-kcp a datagram is lost, which KCP makes good for
  double=N                    the reply is sent twice
  reorder=N                   the reply is sent behind the next one on its connection
  single_bytes=N              the reply is written one byte at a time
  garbage=N                   the reply cannot be decoded at all
  garbage_body=N              the reply has a right head, and a body that cannot be decoded
  orphan=N                    with the reply comes one nobody asked for (battle)
  pushes=N                    with the reply comes a push that is in no schema
  kick=N                      with the reply comes a KickNotify (game)
  reset=N                     the request is answered by a TCP reset
  half_close=N                the request is answered by closing the sending side
  vanish=N                    from the request on the connection is open and dead
  stall=after:TIME,for:TIME   once, counted from the first connection, the whole server is still
Of several on one reply, drop beats reorder, and reorder beats double.

Examples:
  throng-demo
  throng-demo --fault game.delay=50ms --fault battle.drop=10
  throng-demo --fault game.EchoRequest.double=5 --fault lobby.reset=3
  throng-demo --lobby off --game off --battle off --echo 9000 --fault echo.stall=after:3s,for:1s --report counts.json";

#[derive(Clone, Copy)]
enum Listen {
    Off,
    At(SocketAddr),
}

fn listen(text: &str) -> Result<Listen, String> {
    if text == "off" {
        return Ok(Listen::Off);
    }
    let port = || text.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    let address = text.parse().ok().or_else(port);
    address.map(Listen::At).ok_or_else(|| "expected HOST:PORT with a numeric host, a port, or off".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let range = Duration::from_millis(1)..=Duration::from_secs(86_400);
    time.filter(|time| range.contains(time)).ok_or_else(|| "expected seconds, from 0.001 to 86400".to_owned())
}

fn main() -> ExitCode {
    match run(Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "throng-demo: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    // Before the start, so that an early Ctrl-C ends in order too.
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals cannot be waited for")?;
    raise_descriptor_limit();
    let demo = Demo::start(options(&flags))?;
    if let (Some(path), Some(credentials)) = (&flags.tls, demo.credentials()) {
        fs::write(path, &credentials.authority)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let mut out = io::stdout();
    for kind in ServerKind::ALL {
        if let Some(url) = demo.url(kind) {
            writeln!(out, "{kind:<10} {url}")?;
        }
    }
    for rule in &flags.faults {
        writeln!(out, "{:<10} {rule}", "fault")?;
    }
    out.flush()?;
    signals.forever().next();
    let report = demo.stop();
    summarize(&report, &mut out)?;
    flags.report.as_deref().map_or(Ok(()), |path| save(&report, path))
}

fn options(flags: &Flags) -> DemoOptions {
    let servers = [
        (ServerKind::Lobby, flags.lobby),
        (ServerKind::Game, flags.game),
        (ServerKind::Battle, flags.battle),
        (ServerKind::Echo, flags.echo),
        (ServerKind::EchoWs, flags.echo_ws),
        (ServerKind::EchoUdp, flags.echo_udp),
        (ServerKind::EchoKcp, flags.echo_kcp),
        (ServerKind::Web, flags.web),
        (ServerKind::Login, flags.login),
        (ServerKind::Gate, flags.gate),
        (ServerKind::Refuse, flags.refuse),
        (ServerKind::Mute, flags.mute),
        (ServerKind::Unanswered, flags.unanswered),
    ];
    let base = DemoOptions::empty().seed(flags.seed).threads(flags.threads).heartbeat(flags.heartbeat);
    let base = if flags.tls.is_some() { base.tls(TlsOptions::default()) } else { base };
    let options = servers.into_iter().fold(base, |options, (kind, listen)| match listen {
        Listen::Off => options,
        Listen::At(address) => options.at(kind, address),
    });
    flags.faults.iter().cloned().fold(options, DemoOptions::rule)
}

/// A connection is a descriptor, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Refused, the limit stays, and connections above it are counted as accept errors.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

fn summarize(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    for (name, server) in &report.servers {
        let requests: u64 = server.requests.values().sum();
        let replies: u64 = server.replies.values().sum();
        let pushes: u64 = server.pushes.values().sum();
        let accepted = server.connections.accepted;
        writeln!(
            out,
            "{name:<10} {accepted:>7} connections {requests:>9} requests {replies:>9} replies {pushes:>9} pushes"
        )?;
        if let Some(delays) = &server.delays {
            let [min, mean, p50, max] =
                [delays.min_us, delays.mean_us, delays.p50_us, delays.max_us].map(|us| us / 1e3);
            writeln!(out, "{:<10} delays ms: min {min:.3} mean {mean:.3} p50 {p50:.3} max {max:.3}", "")?;
        }
        for stall in &server.stalls {
            let (began, ended) = (stall.began_s, stall.ended_s.unwrap_or(report.uptime_s));
            writeln!(out, "{:<10} stalled from {began:.3} s to {ended:.3} s after the start", "")?;
        }
    }
    Ok(())
}

fn save(report: &Report, path: &Path) -> anyhow::Result<()> {
    let mut json = serde_json::to_vec_pretty(report).context("the report cannot be written as JSON")?;
    json.push(b'\n');
    fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))
}
