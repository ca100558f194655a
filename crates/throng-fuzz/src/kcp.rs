//! KCP: whatever datagrams come, no more is kept than the windows hold, and what is sent keeps to its size.

use std::time::Duration;

use throng_wire::{Kcp, KcpSpec};

use crate::input::Input;

const CONV: u32 = 7;
const MILLISECOND: u64 = 1_000_000;

/// A conversation with a peer that the input plays.
pub fn conversation(bytes: &[u8]) {
    let mut input = Input(bytes);
    let spec = KcpSpec {
        nodelay: input.flag(),
        interval: Duration::from_millis(10),
        resend: u32::from(input.byte() % 3),
        no_congestion: input.flag(),
        stream: input.flag(),
        mtu: 60 + usize::from(input.byte()),
        send_window: 32,
        receive_window: 128,
        ..KcpSpec::default()
    };
    let most = usize::from(spec.receive_window) * (64 << 10);
    let mut now = 0;
    let mut kcp = Kcp::new(CONV, &spec, now);
    let (mut out, mut received, mut given) = (Vec::new(), 0, 0);
    while !input.0.is_empty() {
        match input.byte() % 8 {
            0 => {
                let length = usize::from(input.byte());
                let datagram = input.take(length);
                given += datagram.len();
                // Broken datagrams change nothing that is checked here.
                let _ = kcp.input(datagram, now);
            }
            1 => {
                let length = usize::from(input.byte()) * 8;
                let before = kcp.waiting();
                let taken = kcp.send(&vec![1; length]);
                assert!(taken.is_ok_and(|taken| taken <= length) || kcp.waiting() == before);
            }
            2 => {
                now += u64::from(input.byte()) * 10 * MILLISECOND;
                let mut packets = 0;
                kcp.flush(now, |packet| {
                    packets += 1;
                    assert!(packet.len() <= spec.mtu, "{} bytes", packet.len());
                });
                // Acknowledgements of one flush share their datagrams.
                assert!(packets <= 32 + 1024 + given / 24, "{packets} datagrams");
                assert!(kcp.deadline().is_none_or(|deadline| deadline > now));
            }
            3 => {
                out.clear();
                while kcp.receive(&mut out).is_some() && out.len() <= most {}
                received += out.len();
                assert!(received <= given, "{received} bytes of {given}");
            }
            _ => {
                let datagram = segments(&mut input);
                given += datagram.len();
                let _ = kcp.input(&datagram, now);
            }
        }
        assert!(kcp.waiting() <= 4096, "{} segments wait", kcp.waiting());
    }
}

/// Segments that are well made, with small numbers, so that they mean something.
fn segments(input: &mut Input<'_>) -> Vec<u8> {
    let mut datagram = Vec::new();
    for _ in 0..=input.byte() % 4 {
        datagram.extend_from_slice(&CONV.to_le_bytes());
        datagram.extend_from_slice(&[81 + input.byte() % 5, input.byte() % 6]);
        datagram.extend_from_slice(&u16::from(input.byte()).to_le_bytes());
        for _ in 0..3 {
            // The highest bit makes it a number far away.
            let number = input.byte();
            let far = if number & 0x80 == 0 { 0 } else { 0xffff_ff00 };
            datagram.extend_from_slice(&(u32::from(number) | far).to_le_bytes());
        }
        let length = usize::from(input.byte() % 32);
        let body = input.take(length);
        datagram.extend_from_slice(&(body.len() as u32).to_le_bytes());
        datagram.extend_from_slice(body);
    }
    datagram
}
