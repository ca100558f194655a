//! The limit: an epoll loop that sends a request, waits for its reply, and does nothing else.

use crate::control::{Loaded, Questions, Reading, Up, say};
use crate::machine;
use crate::options::{ClientOptions, PAYLOAD, Wire, Work};
use crate::speech;
use anyhow::{Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

const WAKER: Token = Token(usize::MAX);

/// Echoes until the parent goes.
pub(crate) fn run(options: &ClientOptions) -> Result<()> {
    let mut poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let questions = Questions::listen(move || {
        // A poll that cannot be woken wakes with the next reply.
        let _ = waker.wake();
    });
    say(&Loaded { resident: machine::resident()? })?;
    let begun = Instant::now();
    let mut client = Client::new(options);
    for index in 0..options.robots as usize {
        client.connect(&poll, options, index)?;
    }
    let mut events = Events::with_capacity(1024);
    let (mut stall, mut told_up) = (Duration::ZERO, false);
    loop {
        if let Err(error) = poll.poll(&mut events, None)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        let woke = Instant::now();
        for event in &events {
            if event.token() != WAKER {
                client.handle(event.token().0, event.is_readable())?;
            }
        }
        stall = stall.max(woke.elapsed());
        if !told_up && client.open == client.connections.len() {
            told_up = true;
            say(&Up { took: begun.elapsed() })?;
        }
        while questions.asked() {
            say(&Reading { stall: std::mem::take(&mut stall), ..Reading::of_process(begun.elapsed())? })?;
        }
    }
}

struct Client {
    wire: Wire,
    work: Work,
    connections: Vec<Connection>,
    open: usize,
    mask: u32,
    payload: [u8; PAYLOAD],
    input: Vec<u8>,
    output: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    /// The upgrade was sent.
    Upgrading,
    /// As many bytes of the reply have come.
    Waiting(usize),
}

impl Client {
    fn new(options: &ClientOptions) -> Client {
        Client {
            wire: options.wire,
            work: options.work,
            connections: Vec::new(),
            open: 0,
            mask: 1,
            payload: [b'x'; PAYLOAD],
            input: vec![0; 64 << 10],
            output: Vec::new(),
        }
    }

    fn connect(&mut self, poll: &Poll, options: &ClientOptions, index: usize) -> Result<()> {
        let mut stream = TcpStream::connect(options.targets[index % options.targets.len()])?;
        poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        self.connections.push(Connection { stream, state: State::Connecting });
        Ok(())
    }

    fn handle(&mut self, index: usize, readable: bool) -> Result<()> {
        if self.connections[index].state == State::Connecting {
            return self.connected(index);
        }
        if !readable {
            return Ok(());
        }
        let count = match self.connections[index].stream.read(&mut self.input) {
            Ok(0) => bail!("the server has closed a connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match self.connections[index].state {
            State::Connecting => Ok(()),
            // The reply to an upgrade comes in one piece on this machine.
            State::Upgrading if speech::head_end(&self.input[..count]) == Some(count) => self.opened(index),
            State::Upgrading => bail!("the upgrade was answered by {count} bytes that are no whole head"),
            State::Waiting(before) if before + count < speech::reply_size(self.wire, PAYLOAD) => {
                self.connections[index].state = State::Waiting(before + count);
                Ok(())
            }
            State::Waiting(_) => self.ask(index),
        }
    }

    fn connected(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        connection.stream.set_nodelay(true)?;
        match self.wire {
            Wire::Tcp => self.opened(index),
            Wire::Websocket => {
                connection.state = State::Upgrading;
                Ok(connection.stream.write_all(speech::UPGRADE.as_bytes())?)
            }
        }
    }

    fn opened(&mut self, index: usize) -> Result<()> {
        self.open += 1;
        match self.work {
            Work::Echo | Work::Play => self.ask(index),
            Work::Idle | Work::Sleep => {
                self.connections[index].state = State::Waiting(0);
                Ok(())
            }
        }
    }

    fn ask(&mut self, index: usize) -> Result<()> {
        self.mask = self.mask.wrapping_mul(0x9E37_79B1) | 1;
        self.output.clear();
        speech::request(self.wire, &self.payload, self.mask, &mut self.output);
        let connection = &mut self.connections[index];
        connection.state = State::Waiting(0);
        Ok(connection.stream.write_all(&self.output)?)
    }
}
