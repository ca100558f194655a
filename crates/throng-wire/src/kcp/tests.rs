//! Two ends over a bad line in virtual time, and one of ours with an independent one.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// An end of a simulated line.
trait End {
    /// How many bytes of the message were taken: all or none of them but in stream mode.
    fn offer(&mut self, message: &[u8]) -> usize;
    fn hear(&mut self, datagram: &[u8], now: Nanos);
    fn take(&mut self) -> Option<Vec<u8>>;
    fn work(&mut self, now: Nanos) -> Vec<Vec<u8>>;
}

impl End for Kcp {
    fn offer(&mut self, message: &[u8]) -> usize {
        self.send(message).expect("not too long")
    }

    fn hear(&mut self, datagram: &[u8], now: Nanos) {
        self.input(datagram, now).expect("a good datagram");
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.receive(&mut out).map(|length| {
            assert_eq!(length, out.len());
            out
        })
    }

    fn work(&mut self, now: Nanos) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.flush(now, |datagram| datagrams.push(datagram.to_vec()));
        }
        assert!(self.deadline().is_none_or(|deadline| deadline > now), "a flush leaves nothing due");
        datagrams
    }
}

/// Where the independent one writes to.
#[derive(Clone, Default)]
struct Out(Rc<RefCell<Vec<Vec<u8>>>>);

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The independent implementation.
struct Other {
    kcp: ::kcp::Kcp<Out>,
    out: Out,
}

impl Other {
    fn new(conv: u32, spec: &KcpSpec) -> Other {
        let out = Out::default();
        let mut kcp = match spec.stream {
            true => ::kcp::Kcp::new_stream(conv, out.clone()),
            false => ::kcp::Kcp::new(conv, out.clone()),
        };
        let interval = spec.interval.as_millis() as i32;
        kcp.set_nodelay(spec.nodelay, interval, spec.resend as i32, spec.no_congestion);
        kcp.set_wndsize(spec.send_window, spec.receive_window);
        kcp.set_mtu(spec.mtu).expect("an mtu");
        kcp.update(0).expect("an update");
        Other { kcp, out }
    }
}

impl End for Other {
    fn offer(&mut self, message: &[u8]) -> usize {
        if self.kcp.wait_snd() < 64 { self.kcp.send(message).expect("not too long") } else { 0 }
    }

    fn hear(&mut self, datagram: &[u8], _: Nanos) {
        self.kcp.input(datagram).expect("our datagrams are good");
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let mut out = vec![0; self.kcp.peeksize().ok()?];
        let length = self.kcp.recv(&mut out).ok()?;
        out.truncate(length);
        Some(out)
    }

    fn work(&mut self, now: Nanos) -> Vec<Vec<u8>> {
        self.kcp.update(stamp(now)).expect("an update");
        std::mem::take(&mut self.out.0.borrow_mut())
    }
}

/// How bad a line is, in percent, and how slow, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Line {
    loses: u64,
    doubles: u64,
    delay: u64,
    jitter: u64,
}

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        if limit == 0 { 0 } else { self.0 % limit }
    }
}

/// Sends `there` from the first end and `back` from the second; what came at the second and at the first.
fn play(
    ends: [&mut dyn End; 2],
    messages: [&[Vec<u8>]; 2],
    (line, seed): (Line, u64),
    bounds: bool,
) -> [Vec<u8>; 2] {
    let mut random = Random(seed | 1);
    let mut flying: [VecDeque<(Nanos, Vec<u8>)>; 2] = Default::default();
    let mut left = messages.map(|messages| messages.iter().map(Vec::as_slice).collect::<VecDeque<_>>());
    let mut heard: [Vec<Vec<u8>>; 2] = Default::default();
    let wanted = [messages[1].concat().len(), messages[0].concat().len()];
    // A bad line with congestion control is slow.
    for millisecond in 0..3_000_000 {
        let now = millisecond * MILLISECOND;
        for side in 0..2 {
            while let Some(message) = left[side].front_mut() {
                *message = &message[ends[side].offer(message)..];
                if !message.is_empty() {
                    break;
                }
                left[side].pop_front();
            }
            for datagram in ends[side].work(now) {
                let copies = match random.below(100) {
                    dice if dice < line.loses => 0,
                    dice if dice < line.loses + line.doubles => 2,
                    _ => 1,
                };
                for _ in 0..copies {
                    let at = now + (line.delay + random.below(line.jitter + 1)) * MILLISECOND;
                    flying[side].push_back((at, datagram.clone()));
                }
            }
            let all = std::mem::take(&mut flying[side]);
            let (due, later): (VecDeque<_>, _) = all.into_iter().partition(|(at, _)| *at <= now);
            flying[side] = later;
            for (_, datagram) in due {
                ends[1 - side].hear(&datagram, now);
            }
            while let Some(message) = ends[1 - side].take() {
                heard[1 - side].push(message);
            }
        }
        if (0..2).all(|side| heard[side].iter().map(Vec::len).sum::<usize>() >= wanted[side])
            && left.iter().all(VecDeque::is_empty)
        {
            break;
        }
    }
    if bounds {
        assert!(heard[1] == messages[0] && heard[0] == messages[1], "messages keep their bounds");
    }
    heard.map(|messages| messages.concat())
}

fn line() -> impl Strategy<Value = Line> {
    (0..25u64, 0..20u64, 0..40u64, 0..60u64).prop_map(|(loses, doubles, delay, jitter)| Line {
        loses,
        doubles,
        delay,
        jitter,
    })
}

fn spec() -> impl Strategy<Value = KcpSpec> {
    let windows = (4..200u16, 32..200u16);
    (any::<bool>(), 10..40u64, 0..4u32, any::<bool>(), windows, 150..1500usize, any::<bool>()).prop_map(
        |(nodelay, interval, resend, no_congestion, (send_window, receive_window), mtu, stream)| KcpSpec {
            nodelay,
            interval: Duration::from_millis(interval),
            resend,
            no_congestion,
            send_window,
            receive_window,
            mtu,
            stream,
            dead_link: 1000,
            conv: Conv::Random,
        },
    )
}

fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 1..4000), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives_in_order_over_a_bad_line(
        spec in spec(), line in line(), seed: u64, there in messages(), back in messages(),
    ) {
        let (mut one, mut two) = (Kcp::new(7, &spec, 0), Kcp::new(7, &spec, 0));
        let heard = play([&mut one, &mut two], [&there, &back], (line, seed), !spec.stream);
        prop_assert_eq!(&heard[1], &there.concat());
        prop_assert_eq!(&heard[0], &back.concat());
        prop_assert!(!one.is_dead() && !two.is_dead());
    }

    #[test]
    fn an_independent_implementation_understands_us(
        spec in spec(), line in line(), seed: u64, there in messages(), back in messages(),
    ) {
        let (mut ours, mut other) = (Kcp::new(9, &spec, 0), Other::new(9, &spec));
        let heard = play([&mut ours, &mut other], [&there, &back], (line, seed), !spec.stream);
        prop_assert_eq!(&heard[1], &there.concat());
        prop_assert_eq!(&heard[0], &back.concat());
    }

    #[test]
    fn no_datagram_makes_an_end_panic_or_keep_without_limit(
        datagrams in vec(vec(any::<u8>(), 0..120), 0..60), conv in 0..3u32,
    ) {
        let mut end = Kcp::new(conv, &KcpSpec::default(), 0);
        end.send(b"something").unwrap();
        for (at, mut datagram) in datagrams.into_iter().enumerate() {
            // Most of them pass for this conversation's.
            if at % 4 > 0 && datagram.len() >= HEADER {
                datagram[..4].copy_from_slice(&conv.to_le_bytes());
                datagram[4] = 81 + datagram[4] % 4;
                if at % 3 > 0 {
                    let body = (datagram.len() - HEADER) as u32;
                    datagram[20..24].copy_from_slice(&body.to_le_bytes());
                }
            }
            let now = at as Nanos * 7 * MILLISECOND;
            let _ = end.input(&datagram, now);
            end.flush(now, |datagram| assert!(datagram.len() <= 1400));
            while end.take().is_some() {}
        }
        prop_assert!(end.waiting() <= 1);
    }
}

#[test]
fn numbers_and_stamps_wrap_around() {
    assert_eq!(segment::distance(3, u32::MAX), 4);
    assert_eq!(segment::distance(u32::MAX, 3), -4);
    // A stamp of 49.7 days, and a clock that has just wrapped.
    let begin = (u64::from(u32::MAX) - 50) * MILLISECOND;
    let spec = KcpSpec { interval: Duration::from_millis(10), ..KcpSpec::default() };
    let (mut one, mut two) = (Kcp::new(1, &spec, begin), Kcp::new(1, &spec, begin));
    for round in 0..40 {
        let now = begin + round * 10 * MILLISECOND;
        assert_eq!(one.offer(&[round as u8]), 1);
        one.flush(now, |datagram| two.hear(datagram, now));
        two.flush(now, |datagram| one.hear(datagram, now));
        assert_eq!(two.take(), Some(vec![round as u8]));
        assert_eq!(one.waiting(), 0, "round {round}");
    }
}

#[test]
fn an_idle_end_has_no_deadline() {
    let mut end = Kcp::new(1, &KcpSpec::default(), 0);
    assert_eq!(end.deadline(), None);
    end.send(b"x").unwrap();
    assert_eq!(end.deadline(), Some(100 * MILLISECOND), "the next beat");
    let mut sent = 0;
    end.flush(3, |_| sent += 1);
    assert_eq!(
        (sent, end.deadline()),
        (1, Some(300 * MILLISECOND)),
        "the beat behind the time-out of 225 ms"
    );
}

#[test]
fn a_peer_that_acknowledges_nothing_is_given_up() {
    let mut end = Kcp::new(1, &KcpSpec { dead_link: 5, nodelay: true, ..KcpSpec::default() }, 0);
    end.send(b"anybody?").unwrap();
    let mut sent = 0;
    while let Some(deadline) = end.deadline() {
        end.flush(deadline, |_| sent += 1);
    }
    assert!(end.is_dead());
    assert_eq!(sent, 5);
}

#[test]
fn a_closed_window_is_asked_after() {
    let spec = KcpSpec { interval: Duration::from_millis(10), ..KcpSpec::default() };
    let mut end = Kcp::new(1, &spec, 0);
    let mut shut = Vec::new();
    let header = Header {
        conv: 1,
        command: Command::TellWindow,
        fragment: 0,
        window: 0,
        stamp: 0,
        number: 0,
        expected: 0,
    };
    header.write(&[], &mut shut);
    end.hear(&shut, 0);
    end.send(b"wait").unwrap();
    let mut asked = None;
    while asked.is_none() {
        let now = end.deadline().expect("it goes on asking");
        end.flush(now, |datagram| asked = Some((now / MILLISECOND, datagram[4])));
    }
    assert_eq!(asked, Some((7_010, Command::AskWindow as u8)));
}

#[test]
fn says_what_is_wrong_with_a_datagram() {
    let mut end = Kcp::new(1, &KcpSpec::default(), 0);
    let mut check = |change: &dyn Fn(&mut Vec<u8>), wanted: KcpError| {
        let mut datagram = vec![1, 0, 0, 0, 81];
        datagram.resize(HEADER, 0);
        change(&mut datagram);
        assert_eq!(end.input(&datagram, 0), Err(wanted));
    };
    check(&|datagram| datagram.truncate(5), KcpError::Short { length: 5 });
    check(&|datagram| datagram.clear(), KcpError::Short { length: 0 });
    check(&|datagram| datagram[0] = 2, KcpError::Conversation { found: 2, wanted: 1 });
    check(&|datagram| datagram[4] = 80, KcpError::Command(80));
    check(&|datagram| datagram[20] = 9, KcpError::Truncated { said: 9, left: 0 });
}

/// A datagram with one piece of a message.
fn pushed(number: u32, fragment: u8, body: &[u8]) -> Vec<u8> {
    let header =
        Header { conv: 1, command: Command::Push, fragment, window: 9, stamp: 0, number, expected: 0 };
    let mut datagram = Vec::new();
    header.write(body, &mut datagram);
    datagram
}

#[test]
fn a_message_that_never_ends_is_an_error() {
    let mut end = Kcp::new(1, &KcpSpec::default(), 0);
    let mut result = Ok(());
    for number in 0..128 {
        assert_eq!(result, Ok(()));
        result = end.input(&pushed(number, 200, &[0]), 0);
    }
    assert_eq!(result, Err(KcpError::TooManyFragments { window: 128 }));
}

#[test]
fn a_message_of_too_many_bytes_is_an_error() {
    let mut end = Kcp::new(1, &KcpSpec { receive_window: 1000, ..KcpSpec::default() }, 0);
    let body = vec![0; 65_000];
    let results: Vec<_> = (0..300).map(|number| end.input(&pushed(number, 200, &body), 0)).collect();
    assert!(results.contains(&Err(KcpError::TooManyBytes { most: 12 << 20 })));
}

#[test]
fn what_came_too_early_does_not_keep_the_piece_before_it_out() {
    let mut end = Kcp::new(1, &KcpSpec { receive_window: 1000, ..KcpSpec::default() }, 0);
    let body = vec![7; 60_000];
    let mut bodies = 0;
    // The peer sends what is not acknowledged again, so all comes twice, the first piece last.
    for number in (1..100).chain(0..100) {
        end.input(&pushed(number, 0, &body), 0).unwrap();
        while end.take().is_some_and(|message| message == body) {
            bodies += 1;
        }
    }
    assert_eq!(bodies, 100);
}

#[test]
fn too_much_is_not_taken() {
    let spec = KcpSpec { send_window: 2, mtu: 50, ..KcpSpec::default() };
    let mut end = Kcp::new(1, &spec, 0);
    let longest = spec.longest_message();
    let error = end.send(&vec![0; longest + 1]).unwrap_err();
    assert_eq!(error.to_string(), "a message of 3303 bytes is longer than the 3302 that KCP takes in one");
    assert_eq!(end.send(&vec![0; longest]), Ok(longest));
    assert!(!end.has_room());
    assert_eq!(end.send(b"more"), Ok(0));
    let mut stream = Kcp::new(1, &KcpSpec { stream: true, ..spec }, 0);
    assert_eq!(stream.send(&[0; 100]), Ok(52), "two segments of 26 bytes");
}

#[test]
fn descriptions_that_cannot_work_are_refused() {
    let blank = KcpSpec::default();
    assert_eq!(blank.validate(), Ok(()));
    assert_eq!(KcpSpec { mtu: 49, ..blank }.validate(), Err(KcpSpecError::Mtu(49)));
    assert_eq!(KcpSpec { send_window: 0, ..blank }.validate(), Err(KcpSpecError::Window));
    assert_eq!(KcpSpec { dead_link: 0, ..blank }.validate(), Err(KcpSpecError::DeadLink));
    let interval = Duration::from_micros(10);
    assert_eq!(KcpSpec { interval, ..blank }.validate(), Err(KcpSpecError::Interval(interval)));
}
