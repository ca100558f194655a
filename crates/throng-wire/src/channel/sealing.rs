//! What a function of the host's encrypts: not while a frame is made, but before it is written, when nothing of the driver's
//! is borrowed.

use super::{Channel, Coders};
use crate::cipher::{CipherError, Coder};

impl Channel {
    /// Whether what was finished is not yet fit to be written.
    #[inline]
    pub fn is_unsealed(&self) -> bool {
        self.coders.as_deref().is_some_and(|coders| coders.first_unsealed().is_some())
    }

    /// Whether a function of the host's decrypts what comes, so that [`Channel::cut`] calls the host.
    #[inline]
    pub fn receives_by_host(&self) -> bool {
        let coder = self.coders.as_deref().and_then(|coders| coders.receive.as_ref());
        coder.is_some_and(|coder| coder.cipher.is_hosts())
    }

    /// Where in the output the first bytes are that are not fit to be written.
    pub fn first_unsealed(&self) -> Option<usize> {
        self.coders.as_deref().and_then(Coders::first_unsealed)
    }

    /// Encrypts what was finished, in the output that it was appended to.
    ///
    /// # Errors
    /// The function failed; the connection cannot go on.
    pub fn seal(&mut self, out: &mut [u8]) -> Result<(), CipherError> {
        let Some(coders) = self.coders.as_deref_mut() else { return Ok(()) };
        for mut coder in std::mem::take(&mut coders.retired) {
            coder.seal(out)?;
        }
        coders.send.as_mut().map_or(Ok(()), |coder| coder.seal(out))
    }
}

impl Coders {
    fn first_unsealed(&self) -> Option<usize> {
        let coders = self.retired.iter().chain(&self.send);
        coders.flat_map(|coder| &coder.unsealed).map(|unsealed| unsealed.range.start).next()
    }
}

impl Coder {
    fn seal(&mut self, out: &mut [u8]) -> Result<(), CipherError> {
        let unsealed = std::mem::take(&mut self.unsealed);
        unsealed.into_iter().try_for_each(|unsealed| unsealed.seal(&mut *self.cipher, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;
    use crate::channel::{ChannelSpec, Received};
    use crate::cipher::{Cipher, Coverage};
    use crate::framing::{Endian, Framing, LengthFraming, LengthWidth};
    use crate::websocket::WebSocketSpec;
    use std::sync::Arc;

    /// Adds to each byte; whether it is the host's.
    struct Adding(u8, bool);

    impl Cipher for Adding {
        fn apply(&mut self, bytes: &mut [u8]) -> Result<(), CipherError> {
            bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(self.0));
            Ok(())
        }

        fn is_hosts(&self) -> bool {
            self.1
        }
    }

    fn channels(spec: &Arc<ChannelSpec>) -> (Channel, Channel) {
        let (mut client, mut server) = (Channel::client(spec, "host", "/", 7), Channel::server(spec));
        if spec.is_websocket() {
            let (mut asked, mut answered) = (Vec::new(), Vec::new());
            client.start(&mut asked);
            assert!(matches!(server.cut(&asked), Ok(Received::Opened { .. })));
            server.drain_control(&mut answered);
            assert!(matches!(client.cut(&answered), Ok(Received::Opened { .. })));
        }
        (client, server)
    }

    fn append(channel: &mut Channel, payload: &[u8], out: &mut Vec<u8>) {
        let mark = channel.begin(out);
        out.extend_from_slice(payload);
        channel.finish(out, mark).unwrap();
    }

    fn check(spec: ChannelSpec, coverage: Coverage) {
        let (mut client, mut server) = channels(&Arc::new(spec));
        let mut out = Vec::new();
        append(&mut client, b"plain", &mut out);
        let plain = out.len();
        for add in [1, 2] {
            client.set_cipher(Direction::Sent, Some(Box::new(Adding(add, true))), coverage).unwrap();
            for length in [0, 1, 200, 70_000] {
                append(&mut client, &vec![5; length], &mut out);
            }
        }
        assert!(client.is_unsealed() && client.first_unsealed() >= Some(plain));
        client.seal(&mut out).unwrap();
        assert!(!client.is_unsealed());
        let mut at = 0;
        let mut next = |server: &mut Channel| loop {
            match server.cut(&out[at..]).unwrap() {
                Received::Message { payload, used } => {
                    at += used;
                    return payload.to_vec();
                }
                Received::Control { used } => at += used,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(next(&mut server), b"plain");
        for add in [1_u8, 2] {
            let cipher = Box::new(Adding(add.wrapping_neg(), false));
            server.set_cipher(Direction::Received, Some(cipher), coverage).unwrap();
            for length in [0, 1, 200, 70_000] {
                assert_eq!(next(&mut server), vec![5; length]);
            }
        }
    }

    #[test]
    fn what_is_sealed_later_is_what_would_have_been_sealed_at_once() {
        let width = || LengthWidth::U32(Endian::Big);
        let framing =
            || Framing::Length(LengthFraming { width: width(), offset: 0, inclusive: false, max: 1 << 20 });
        for coverage in [Coverage::Body, Coverage::All] {
            check(ChannelSpec::stream(framing()).unwrap(), coverage);
            check(ChannelSpec::websocket(WebSocketSpec::default(), Framing::Message).unwrap(), coverage);
            check(ChannelSpec::datagrams(Framing::Message, 100_000).unwrap(), coverage);
        }
        check(ChannelSpec::websocket(WebSocketSpec::default(), framing()).unwrap(), Coverage::Body);
    }

    #[test]
    fn a_message_that_is_refused_leaves_nothing_to_be_sealed() {
        let spec = Arc::new(ChannelSpec::datagrams(Framing::Message, 3).unwrap());
        let mut channel = Channel::client(&spec, "", "", 1);
        channel.set_cipher(Direction::Sent, Some(Box::new(Adding(1, true))), Coverage::All).unwrap();
        let mut out = Vec::new();
        let mark = channel.begin(&mut out);
        out.extend_from_slice(b"long");
        assert!(channel.finish(&mut out, mark).is_err());
        assert!(out.is_empty() && !channel.is_unsealed());
    }
}
