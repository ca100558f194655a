//! TLS as a layer without I/O: ciphertext in, plaintext out, and the other way round.
//!
//! rustls does the work; here it is brought into the shape of this crate: a driver gives [`Tls`] the bytes that came and
//! writes those it appends to `out`. What a connection is told beforehand is a [`TlsConfig`], shared by all of them, and
//! what can go wrong is a [`TlsError`] whose text says it to a person. The system's time of day is looked at, by rustls, to
//! know whether a certificate is valid.

mod config;
mod error;
#[cfg(test)]
mod tests;
mod unverified;

pub use config::{ClientIdentity, TlsConfig, TlsSetupError, TlsSpec, TlsVersion};
pub use error::TlsError;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};
use std::fmt;

/// The longest plaintext one record carries, in bytes.
pub const RECORD: usize = 16 << 10;
/// Bytes of records and handshake messages that are not whole yet which a connection keeps at most.
pub const LONGEST_TAIL: usize = 48 << 10;
/// Bytes that are kept for people of what broke a connection.
const SHOWN: usize = 64;
/// What a record needs beside its plaintext, at most.
const OVERHEAD: usize = 64;

/// The client's side of one connection.
///
/// A driver calls [`Tls::start`] once the transport is connected and [`Tls::receive`] with all that comes; from when
/// [`Tls::is_open`] holds it may call [`Tls::seal`], and [`Tls::close`] at the end. What each of them appends to `out` is
/// to be written, in order.
pub struct Tls {
    connection: UnbufferedClientConnection,
    /// The start of something that is not whole yet.
    tail: Vec<u8>,
    phase: Phase,
    rejected: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    /// The peer has said that it sends no more.
    Closed,
    Failed,
}

/// Whether rustls has to be asked again before more input can be of use.
enum Progress {
    Further,
    Waits,
    PeerClosed,
}

impl Tls {
    /// A connection to `host`, a name or an address without a port, which its certificate must be for unless `config` says
    /// otherwise.
    ///
    /// # Errors
    /// When no certificate could be for such a name.
    pub fn client(config: &TlsConfig, host: &str) -> Result<Tls, TlsError> {
        let name = match config.server_name() {
            Some(name) => name.clone(),
            None => {
                let bare = host.trim_start_matches('[').trim_end_matches(']');
                ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::Name(host.into()))?
            }
        };
        let connection = UnbufferedClientConnection::new(config.client(), name).map_err(TlsError::from)?;
        Ok(Tls { connection, tail: Vec::new(), phase: Phase::Handshake, rejected: Box::default() })
    }

    /// Appends what is sent first.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn start(&mut self, out: &mut Vec<u8>) -> Result<(), TlsError> {
        self.receive(&mut [], out, |_| {})
    }

    /// Whether the handshake is done; so it stays when the peer closes.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closed)
    }

    /// Whether the peer has closed in good order: nothing more comes from it.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Bytes that are kept until what they begin is whole; at most [`LONGEST_TAIL`]. A call of [`Tls::receive`] gives no
    /// more plaintext than these and its input together.
    pub fn kept(&self) -> usize {
        self.tail.len()
    }

    /// The first bytes of what broke the connection, at most 64, as they came; a part of them may have been decrypted.
    pub fn rejected(&self) -> &[u8] {
        &self.rejected
    }

    /// Takes what came, which is decrypted in place. Each record's plaintext is given to `plain`, and what has to be answered
    /// is appended to `out`, an alert about an error too.
    ///
    /// # Errors
    /// When the handshake fails or the peer breaks TLS; the connection cannot go on. What `plain` was given before counts.
    pub fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        mut plain: impl FnMut(&[u8]),
    ) -> Result<(), TlsError> {
        // What follows a close_notify is to be ignored (RFC 8446, 6.1).
        if matches!(self.phase, Phase::Closed | Phase::Failed) {
            return Ok(());
        }
        let taken = if self.tail.is_empty() {
            let used = self.advance(input, out, &mut plain);
            used.map(|used| self.tail.extend_from_slice(&input[used..]))
        } else {
            let mut joined = std::mem::take(&mut self.tail);
            joined.extend_from_slice(input);
            let used = self.advance(&mut joined, out, &mut plain);
            used.map(|used| {
                joined.drain(..used);
                // An idle connection keeps nothing.
                self.tail = if joined.is_empty() { Vec::new() } else { joined };
            })
        };
        let kept = taken.and_then(|()| match self.tail.len() {
            ..=LONGEST_TAIL => Ok(()),
            _ => {
                self.rejected = self.tail[..SHOWN].into();
                Err(TlsError::TooLong)
            }
        });
        if kept.is_err() {
            self.phase = Phase::Failed;
            self.tail = Vec::new();
        }
        kept
    }

    /// Appends `plain` as records.
    ///
    /// # Errors
    /// Before the handshake is done, or when the keys have been used up (which TLS 1.3 renews).
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), TlsError> {
        let guess = plain.len() + OVERHEAD * (1 + plain.len() / RECORD);
        self.write(out, guess, |traffic, room| traffic.encrypt(plain, room))
    }

    /// Appends the goodbye that tells the peer's end from a cut cable; nothing when the handshake is not done.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        // It can fail only where there is nobody to say goodbye to.
        let _ = self.write(out, OVERHEAD, |traffic, room| traffic.queue_close_notify(room));
    }

    /// Lets rustls work until it needs more; returns how much of `input` it needs no longer.
    fn advance(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        plain: &mut impl FnMut(&[u8]),
    ) -> Result<usize, TlsError> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.connection.process_tls_records(&mut input[used..]);
            let progress = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    // What the server sends belongs to a handshake that is done.
                    self.phase = Phase::Open;
                    let mut records = Ok(());
                    while let Some(record) = traffic.next_record() {
                        match record {
                            Ok(record) => {
                                discard += record.discard;
                                plain(record.payload);
                            }
                            Err(error) => records = Err(TlsError::from(error)),
                        }
                        if records.is_err() {
                            break;
                        }
                    }
                    if records.is_err() {
                        self.reject(&input[used..]);
                    }
                    records.map(|()| Progress::Further)?
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.phase = Phase::Open;
                    Progress::Waits
                }
                Ok(ConnectionState::PeerClosed) => Progress::PeerClosed,
                Ok(state) => step(state, out),
                Err(error) => {
                    used += discard;
                    self.reject(&input[used..]);
                    self.say_why(&mut input[used..], out);
                    return Err(TlsError::from_peer(error, self.phase == Phase::Open));
                }
            };
            used += discard;
            match progress {
                Progress::Further => {}
                Progress::Waits => return Ok(used),
                Progress::PeerClosed if self.phase == Phase::Open || !self.connection.is_handshaking() => {
                    self.phase = Phase::Closed;
                    return Ok(input.len());
                }
                Progress::PeerClosed => return Err(TlsError::ClosedEarly),
            }
        }
    }

    fn reject(&mut self, input: &[u8]) {
        self.rejected = input[..input.len().min(SHOWN)].into();
    }

    /// Appends the alert about an error, which waits in rustls. What it did not like still stands in `input`.
    fn say_why(&mut self, input: &mut [u8], out: &mut Vec<u8>) {
        if let Ok(state) = self.connection.process_tls_records(input).state {
            step(state, out);
        }
    }

    fn write(
        &mut self,
        out: &mut Vec<u8>,
        guess: usize,
        mut write: impl FnMut(
            &mut WriteTraffic<'_, rustls::client::ClientConnectionData>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> Result<(), TlsError> {
        while self.is_open() {
            // rustls looks for what it has seen of the tail already.
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(&mut self.tail);
            let progress = match state.map_err(|error| TlsError::from_peer(error, true))? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    let sealed = append(out, guess, |room| {
                        write(&mut traffic, room).map_err(|error| match error {
                            EncryptError::InsufficientSize(size) => Some(size.required_size),
                            EncryptError::EncryptExhausted => None,
                        })
                    });
                    return sealed.then_some(()).ok_or(TlsError::KeysUsedUp);
                }
                state => step(state, out),
            };
            self.tail.drain(..discard);
            if !matches!(progress, Progress::Further) {
                break;
            }
        }
        Err(TlsError::NotOpen)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("phase", &self.phase)
            .field("kept", &self.tail.len())
            .finish_non_exhaustive()
    }
}

/// Appends what rustls has to say of its own; whether it is to be asked again.
fn step<D>(state: ConnectionState<'_, '_, D>, out: &mut Vec<u8>) -> Progress {
    match state {
        ConnectionState::EncodeTlsData(mut data) => {
            append(out, OVERHEAD, |room| {
                data.encode(room).map_err(|error| match error {
                    EncodeError::InsufficientSize(size) => Some(size.required_size),
                    EncodeError::AlreadyEncoded => None,
                })
            });
            Progress::Further
        }
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Progress::Further
        }
        _ => Progress::Waits,
    }
}

/// Has `write` write behind `out`, with as much room as it asks for; false when it cannot, with nothing appended.
fn append(
    out: &mut Vec<u8>,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> bool {
    let start = out.len();
    out.resize(start + guess, 0);
    loop {
        match write(&mut out[start..]) {
            Ok(written) => {
                out.truncate(start + written);
                return true;
            }
            Err(Some(wanted)) if wanted > out.len() - start => out.resize(start + wanted, 0),
            Err(_) => {
                out.truncate(start);
                return false;
            }
        }
    }
}
