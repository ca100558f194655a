//! Bytes in masses: partial writes, full reads, readiness that is told once.

use crate::play::*;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;
use throng_metrics::LagSource;
use throng_wire::{Channel, ChannelSpec, Framing, WebSocketSpec};

#[test]
fn a_large_message_to_a_slow_reader_arrives_whole_and_so_does_its_reply() {
    const SIZE: usize = 8 << 20;
    let server = Server::start(|mut stream| {
        for _ in 0..2 {
            // Longer than the kernel's buffers last: the rest waits for an edge.
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(read_frame(&mut stream).len(), SIZE);
            stream.write_all(&frame(SIZE)).expect("a reply");
        }
    });
    let request = Act::Request(SIZE);
    let mut game = Game::play(
        &settings(),
        vec![Act::Connect(server.url()), request.clone(), request, Act::Sleep(Duration::ZERO)],
    );
    game.hear("elapsed");
    server.end();
    let totals = game.end();
    let (_, row) = totals.requests().iter().next().expect("a request");
    assert_eq!((row.counts.issued, row.counts.ok), (2, 2));
    assert_eq!(totals.traffic().bytes_sent, 2 * (SIZE as u64 + 4));
    assert_eq!(totals.traffic().bytes_received, 2 * (SIZE as u64 + 4));
}

#[test]
fn what_was_sent_before_a_close_arrives_though_the_kernel_did_not_take_it_at_once() {
    const SIZE: usize = 15 << 20;
    let server = Server::start(|mut stream| {
        // By then the robot has closed.
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(read_frame(&mut stream).len(), SIZE);
        assert_eq!(stream.read(&mut [0; 1]).expect("an end in good order"), 0);
    });
    let script = vec![Act::Connect(server.url()), Act::Tell(SIZE), Act::Close, Act::Sleep(PATIENCE)];
    let mut game = Game::play(&settings(), script);
    game.hear("closed self");
    server.end();
    assert_eq!(game.end().traffic().bytes_sent, SIZE as u64 + 4);
}

#[test]
fn what_waits_for_a_script_that_does_not_read_is_not_the_generators_lag() {
    const PIECE: usize = 512 << 10;
    const PIECES: usize = 16;
    let server = Server::start(|mut stream| {
        stream.write_all(&vec![b'z'; PIECE * PIECES]).expect("the robot reads in the end");
    });
    let mut script = vec![Act::Stream(server.url()), Act::Sleep(Duration::from_secs(3))];
    script.extend(std::iter::repeat_n(Act::ReadExactly(PIECE), PIECES));
    script.push(Act::Sleep(Duration::from_millis(1)));
    let mut game = Game::play(&settings(), script);
    game.hear(&format!("read {PIECE}"));
    game.hear("closed server");
    server.end();
    let totals = game.end();
    assert_eq!(totals.traffic().bytes_received, (PIECE * PIECES) as u64);
    let lag = totals.generator().lag_of(LagSource::Ready).max_us().unwrap_or(0);
    assert!(lag < 2_000_000, "{lag}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernels_stamps_tell_how_long_a_ready_socket_waited() {
    const TIMES: usize = 10;
    let server = Server::start(|mut stream| {
        for size in 1..=TIMES {
            read_frame(&mut stream);
            stream.write_all(&frame(size)).expect("a reply");
        }
    });
    // The kernel begins to stamp a little after the first socket of all asked for it.
    let again = [Act::Request(9), Act::Sleep(Duration::from_millis(100))];
    let mut script = vec![Act::Connect(server.url())];
    script.extend(again.iter().cloned().cycle().take(2 * TIMES));
    let mut game = Game::play(&settings(), script);
    game.hear(&format!("reply of {TIMES}"));
    server.end();
    let totals = game.end();
    assert!(totals.generator().lag_of(LagSource::Ready).count() > 0);
    let (_, row) = totals.requests().iter().next().expect("a request");
    let (latency, observed) = (row.latency().max_us().expect("a latency"), row.counts.observed_us);
    assert!(latency > 0 && latency <= observed + 1, "{latency} {observed}");
}

#[test]
fn a_peer_that_pings_without_reading_is_cut_off() {
    let server = Server::start(|mut stream| {
        let spec = ChannelSpec::websocket(WebSocketSpec::default(), Framing::Message).expect("a channel");
        let mut channel = Channel::server(&Arc::new(spec));
        let (mut request, mut answer) = (Vec::new(), Vec::new());
        while answer.is_empty() {
            let mut piece = [0; 1024];
            let count = stream.read(&mut piece).expect("a request");
            request.extend(&piece[..count]);
            channel.cut(&request).expect("a handshake");
            channel.drain_control(&mut answer);
        }
        stream.write_all(&answer).expect("an answer");
        let pings = [&[0x89, 125][..], &[b'p'; 125]].concat().repeat(512);
        // The robot gives up long before this many; it does not take them in meanwhile.
        let most = (256 << 20) / pings.len();
        assert!((0..most).any(|_| stream.write_all(&pings).is_err()), "pings without end");
    });
    let mut settings = settings();
    settings.outbox_limit = 64 << 10;
    let url = server.url().replace("tcp", "ws");
    let mut game = Game::play(&settings, vec![Act::Connect(url), Act::Sleep(PATIENCE)]);
    game.hear("closed protocol");
    server.end();
    game.end();
}
