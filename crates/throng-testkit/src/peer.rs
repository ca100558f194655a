//! The server's side of one connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::protocol::Protocol;

/// How late a late reply comes, in milliseconds: who asked has long given up then, and asks again well after it.
pub(crate) const LATE_MS: u64 = 3_000;

/// What a behaviour acts on.
pub(crate) struct Peer {
    pub(crate) tcp: TcpStream,
    pub(crate) protocol: Protocol,
}

impl Peer {
    /// The payload of the next request.
    pub(crate) fn request(&mut self) -> io::Result<Vec<u8>> {
        self.protocol.read(&mut self.tcp)
    }

    /// Bytes as they are.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tcp.write_all(bytes)
    }

    /// A message that is framed well.
    pub(crate) fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let framed = self.protocol.framed(payload);
        self.say(&framed)
    }

    /// The next request, answered well.
    pub(crate) fn answer(&mut self) -> io::Result<()> {
        let request = self.request()?;
        self.send(&self.protocol.answer(&request))
    }

    /// Bytes in pieces that do not come together.
    pub(crate) fn trickle(&mut self, bytes: &[u8], piece: usize) -> io::Result<()> {
        bytes.chunks(piece).try_for_each(|piece| {
            self.say(piece)?;
            self.pause(2);
            Ok(())
        })
    }

    /// Waits for so many milliseconds.
    pub(crate) fn pause(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }

    /// Sends no more; what comes is read to its end.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.tcp.shutdown(Shutdown::Write)?;
        self.listen()
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(&mut self) -> io::Result<()> {
        // What was said before comes first.
        self.pause(50);
        SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO))?;
        Err(io::ErrorKind::ConnectionReset.into())
    }

    /// Reads to the end without a word.
    pub(crate) fn listen(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while self.tcp.read(&mut buffer)? > 0 {}
        Ok(())
    }
}
