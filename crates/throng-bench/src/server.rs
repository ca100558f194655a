//! The echo server: one epoll loop that counts what it answers.

use crate::control::{Listening, Questions, Served, say};
use crate::machine;
use crate::options::{ServerOptions, Wire};
use crate::speech;
use anyhow::Result;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// Connections that may wait to be accepted, on each port.
const BACKLOG: i32 = 4096;
/// How long the server looks for requests before it sleeps. Woken for each request it would put the price of waking
/// another core on every client that is slower than it, and on none that is faster.
const SPIN: Duration = Duration::from_millis(20);
const WAKER: Token = Token(usize::MAX);

/// Serves until the parent goes.
pub(crate) fn run(options: &ServerOptions) -> Result<()> {
    machine::pin(machine::SERVER_CORE);
    let mut poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let mut listeners = (0..options.ports).map(|_| listen()).collect::<Result<Vec<_>>>()?;
    for (index, listener) in listeners.iter_mut().enumerate() {
        poll.registry().register(listener, Token(index), Interest::READABLE)?;
    }
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
    say(&Listening { addresses })?;
    let questions = Questions::listen(move || {
        // A poll that cannot be woken wakes with the next request.
        let _ = waker.wake();
    });
    let mut server = Server {
        wire: options.wire,
        connections: Vec::new(),
        requests: 0,
        input: vec![0; 64 << 10],
        output: Vec::new(),
    };
    let mut events = Events::with_capacity(1024);
    let mut last_event = Instant::now();
    loop {
        let idle = last_event.elapsed() > SPIN;
        if let Err(error) = poll.poll(&mut events, if idle { None } else { Some(Duration::ZERO) })
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        if !events.is_empty() {
            last_event = Instant::now();
        }
        for event in &events {
            match event.token() {
                WAKER => {}
                Token(index) if index < listeners.len() => {
                    server.accept(&poll, &listeners[index], options.ports)?
                }
                Token(index) => server.serve(index - options.ports, event.is_writable()),
            }
        }
        while questions.asked() {
            say(&Served { requests: server.requests })?;
        }
    }
}

fn listen() -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

struct Server {
    wire: Wire,
    connections: Vec<Option<Connection>>,
    requests: u64,
    input: Vec<u8>,
    output: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// The handshake, where there is one, is done.
    open: bool,
    /// Received, but not a whole request yet.
    tail: Vec<u8>,
    /// Not yet taken by the kernel.
    unsent: Vec<u8>,
}

impl Server {
    fn accept(&mut self, poll: &Poll, listener: &TcpListener, first_token: usize) -> Result<()> {
        loop {
            match listener.accept() {
                Ok((mut stream, _)) => {
                    stream.set_nodelay(true)?;
                    let token = Token(first_token + self.connections.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                    let open = self.wire == Wire::Tcp;
                    self.connections.push(Some(Connection {
                        stream,
                        open,
                        tail: Vec::new(),
                        unsent: Vec::new(),
                    }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads once, answers, writes once. Readiness comes as edges; a read that does not fill the buffer has read all.
    fn serve(&mut self, index: usize, writable: bool) {
        let Some(connection) = &mut self.connections[index] else { return };
        self.output.clear();
        if writable {
            self.output.append(&mut connection.unsent);
        }
        loop {
            match connection.stream.read(&mut self.input) {
                Ok(0) => return self.connections[index] = None,
                Ok(count) => {
                    self.requests +=
                        connection.take_in(self.wire, &mut self.input[..count], &mut self.output);
                    if count < self.input.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return self.connections[index] = None,
            }
        }
        connection.send(&self.output);
    }
}

impl Connection {
    /// Answers what came; returns how many requests it was.
    fn take_in(&mut self, wire: Wire, bytes: &mut [u8], out: &mut Vec<u8>) -> u64 {
        if !self.tail.is_empty() || !self.open {
            self.tail.extend_from_slice(bytes);
            let mut whole = std::mem::take(&mut self.tail);
            if !self.open {
                let Some(end) = speech::head_end(&whole) else {
                    self.tail = whole;
                    return 0;
                };
                speech::accept_upgrade(&whole[..end], out);
                self.open = true;
                whole.drain(..end);
            }
            return self.answer(wire, &mut whole, out);
        }
        self.answer(wire, bytes, out)
    }

    fn answer(&mut self, wire: Wire, bytes: &mut [u8], out: &mut Vec<u8>) -> u64 {
        let (used, requests) = speech::answer(wire, bytes, out);
        self.tail.extend_from_slice(&bytes[used..]);
        requests
    }

    fn send(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // Whatever is wrong with the connection shows again at its next read.
        let sent = if self.unsent.is_empty() { self.stream.write(bytes).unwrap_or(0) } else { 0 };
        self.unsent.extend_from_slice(&bytes[sent..]);
    }
}
