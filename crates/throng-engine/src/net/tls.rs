//! TLS between a socket and everything that knows messages: a link that has it takes and gives plaintext like any other.

use super::Traffic;
use super::tcp::{self, Read, StampRoom};
use mio::net::TcpStream;
use std::io;
use throng_wire::tls::{LONGEST_TAIL, RECORD};
use throng_wire::{Tls, TlsError};

/// What a link keeps of its TLS.
#[derive(Debug)]
pub(crate) struct Secure {
    tls: Tls,
    stage: Stage,
    /// Ciphertext that the kernel has not taken; lent while there is some.
    unsent: Vec<u8>,
    /// Bytes of `unsent` that it has taken.
    written: usize,
    /// Plaintext whose last byte is in `unsent`.
    sealed: usize,
    /// What went wrong, until all that came before it is read.
    broken: Option<TlsError>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// TCP is not connected.
    Dialling,
    Running,
    Failed,
}

/// Buffers that all links of a shard share.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// What was read, before it is decrypted; as long as a read may be, once there is TLS at all.
    input: Vec<u8>,
    spares: Vec<Vec<u8>>,
}

/// Spare buffers that are kept, and how large one may be.
const SPARES: usize = 64;
const LARGEST_SPARE: usize = 2 * RECORD;

impl Buffers {
    fn lend(&mut self, buffer: &mut Vec<u8>) {
        if buffer.capacity() == 0 {
            *buffer = self.spares.pop().unwrap_or_default();
        }
    }

    fn take_back(&mut self, buffer: &mut Vec<u8>) {
        let mut buffer = std::mem::take(buffer);
        if self.spares.len() < SPARES && (1..=LARGEST_SPARE).contains(&buffer.capacity()) {
            buffer.clear();
            self.spares.push(buffer);
        }
    }
}

/// What a link needs of its shard while it works.
pub(crate) struct Bench<'a> {
    pub(crate) stream: &'a TcpStream,
    pub(crate) buffers: &'a mut Buffers,
    pub(crate) traffic: &'a mut Traffic,
}

impl Secure {
    /// TLS that begins behind `preface`.
    pub(crate) fn new(tls: Tls, preface: Vec<u8>) -> Secure {
        Secure { tls, stage: Stage::Dialling, unsent: preface, written: 0, sealed: 0, broken: None }
    }

    /// Whether TCP is connected and TLS is not, or never will be.
    pub(crate) fn is_shaking_hands(&self) -> bool {
        match self.stage {
            Stage::Dialling => false,
            Stage::Running => !self.tls.is_open(),
            Stage::Failed => true,
        }
    }

    /// The first bytes of what broke it.
    pub(crate) fn rejected(&self) -> &[u8] {
        self.tls.rejected()
    }

    /// Whether plaintext can be written.
    pub(crate) fn is_open(&self) -> bool {
        self.tls.is_open()
    }

    /// The socket became writable: begins the handshake when TCP is connected, and writes what waits.
    ///
    /// # Errors
    /// TCP could not be connected, or was lost.
    pub(crate) fn go_on(&mut self, mut bench: Bench<'_>) -> io::Result<()> {
        if self.stage == Stage::Dialling {
            if !tcp::connected(bench.stream)? {
                return Ok(());
            }
            self.stage = Stage::Running;
            bench.buffers.lend(&mut self.unsent);
            self.tls.start(&mut self.unsent).map_err(io::Error::other)?;
        }
        self.push(&mut bench).map(drop)
    }

    /// Reads what came, decrypted, into `buffer`.
    ///
    /// # Errors
    /// The connection was lost, or its TLS failed ([`failure`]).
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        room: &mut StampRoom,
        mut bench: Bench<'_>,
    ) -> io::Result<Read> {
        if let Some(error) = &self.broken {
            return Err(io::Error::other(error.clone()));
        }
        if self.stage == Stage::Dialling {
            return Ok(Read::Empty);
        }
        if self.tls.is_closed() {
            return Ok(Read::End);
        }
        // Never more plaintext than the buffer takes.
        let most = buffer.len().saturating_sub(self.tls.kept());
        let mut input = std::mem::take(&mut bench.buffers.input);
        input.resize(buffer.len(), 0);
        let read = tcp::read(bench.stream, &mut input[..most], room);
        let outcome = match read {
            Ok(Read::Bytes { count, stamp, more }) => {
                bench.traffic.received += count;
                let plain = self.decrypt(&mut input[..count], buffer, &mut bench);
                plain.map(|count| Read::Bytes { count, stamp, more: more || self.is_over() })
            }
            Ok(Read::End) => Ok(Read::CutOff),
            other => other,
        };
        bench.buffers.input = input;
        outcome
    }

    /// Whether the next read tells of the end without looking at the socket.
    fn is_over(&self) -> bool {
        self.broken.is_some() || self.tls.is_closed()
    }

    /// Puts the plaintext of `input` at the start of `buffer` and answers what has to be answered.
    fn decrypt(&mut self, input: &mut [u8], buffer: &mut [u8], bench: &mut Bench<'_>) -> io::Result<usize> {
        let mut count = 0;
        bench.buffers.lend(&mut self.unsent);
        let result = self.tls.receive(input, &mut self.unsent, |plain| {
            buffer[count..count + plain.len()].copy_from_slice(plain);
            count += plain.len();
        });
        // A peer that has gone shows when all that it had sent is read.
        let _ = self.push(bench);
        match result {
            Ok(()) => Ok(count),
            Err(error) => {
                self.stage = Stage::Failed;
                self.broken = Some(error.clone());
                if count > 0 { Ok(count) } else { Err(io::Error::other(error)) }
            }
        }
    }

    /// Writes ciphertext that waits; whether none is left.
    fn push(&mut self, bench: &mut Bench<'_>) -> io::Result<bool> {
        while self.written < self.unsent.len() {
            let count = tcp::write(bench.stream, &self.unsent[self.written..])?;
            bench.traffic.sent += count;
            self.written += count;
            if count == 0 {
                return Ok(false);
            }
        }
        self.written = 0;
        bench.buffers.take_back(&mut self.unsent);
        Ok(true)
    }

    /// Encrypts the start of `plain`, so that nothing lies between a look at the clock and the write; no more than one record,
    /// because a request is sent when the record with its last byte is.
    pub(crate) fn seal(&mut self, plain: &[u8], buffers: &mut Buffers) {
        if self.sealed > 0 || plain.is_empty() || !self.is_open() {
            return;
        }
        buffers.lend(&mut self.unsent);
        let record = &plain[..plain.len().min(RECORD)];
        match self.tls.seal(record, &mut self.unsent) {
            Ok(()) => self.sealed = record.len(),
            Err(error) => self.broken = Some(error),
        }
    }

    /// Writes `plain`, which begins with what earlier calls did not report as written; 0 is nothing for now.
    ///
    /// # Errors
    /// The connection is gone, or its keys are used up.
    pub(crate) fn write(&mut self, plain: &[u8], mut bench: Bench<'_>) -> io::Result<usize> {
        let mut done = 0;
        loop {
            self.seal(&plain[done..], bench.buffers);
            if let Some(error) = self.broken.as_ref().filter(|_| self.sealed == 0) {
                return Err(io::Error::other(error.clone()));
            }
            if !self.push(&mut bench)? {
                return Ok(done);
            }
            match std::mem::take(&mut self.sealed) {
                0 => return Ok(done),
                count => done += count,
            }
        }
    }

    /// All that is still to be sent, ending with TLS's goodbye: `rest` begins with what was not reported as written.
    pub(crate) fn farewell(mut self, rest: &[u8]) -> Vec<u8> {
        if self.stage == Stage::Running && self.is_open() {
            let rest = rest.get(self.sealed..).unwrap_or_default();
            // What cannot be encrypted any more is lost, as if the cable had been cut here.
            if self.tls.seal(rest, &mut self.unsent).is_ok() {
                self.tls.close(&mut self.unsent);
            }
        }
        self.unsent.split_off(self.written)
    }
}

/// What went wrong with TLS, if that is what an error of a link is about.
pub(crate) fn failure(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

/// A read must have room for what TLS keeps.
const _: () = assert!(LONGEST_TAIL + RECORD <= super::READ);
