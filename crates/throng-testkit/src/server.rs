//! One listener for each behaviour, with threads that block.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::behaviour::Behaviour;
use crate::peer::Peer;

/// Everything a run may meet, each on a port of 127.0.0.1 of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Listens for robots that meet these behaviours.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(behaviours: &[Behaviour]) -> io::Result<Server> {
        let over = Arc::new(AtomicBool::new(false));
        let mut addresses = Vec::new();
        for behaviour in behaviours {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            addresses.push(listener.local_addr()?);
            let (behaviour, over) = (behaviour.clone(), Arc::clone(&over));
            thread::spawn(move || accept(&listener, &behaviour, &over));
        }
        Ok(Server { addresses, over })
    }

    /// Where the behaviours are met, in their order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        for address in &self.addresses {
            // It wakes the one who waits there.
            let _ = TcpStream::connect(address);
        }
    }
}

fn accept(listener: &TcpListener, behaviour: &Behaviour, over: &AtomicBool) {
    for stream in listener.incoming() {
        if over.load(Ordering::Acquire) {
            return;
        }
        let Ok(tcp) = stream else { continue };
        let behaviour = behaviour.clone();
        thread::spawn(move || {
            // Pieces are to come as they were written.
            let _ = tcp.set_nodelay(true);
            let mut peer = Peer { tcp, protocol: behaviour.protocol };
            // The robot going is the end of all of them.
            let _ = meet(&mut peer, &behaviour);
        });
    }
}

/// Does what it does, then answers well for as long as the robot stays.
fn meet(peer: &mut Peer, behaviour: &Behaviour) -> io::Result<()> {
    (behaviour.act)(peer)?;
    while behaviour.survives() {
        peer.answer()?;
    }
    peer.listen()
}
