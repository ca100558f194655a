//! The echo server of a network in memory, which works between the turns of its clients.

use crate::options::{ClientOptions, Wire};
use crate::speech;
use std::net::SocketAddr;
use throng_engine::{MemoryNet, ServerEvent};

/// Requests answered between two turns.
const PER_TURN: usize = 512;

/// Answers what robots send over a network in memory. A write is one whole request or more there.
pub(crate) struct MemoryServer {
    net: MemoryNet,
    wire: Wire,
    output: Vec<u8>,
}

impl MemoryServer {
    /// A server at the targets of `options`.
    pub(crate) fn new(options: &ClientOptions) -> MemoryServer {
        let net = MemoryNet::new();
        options.targets.iter().for_each(|target: &SocketAddr| net.listen(*target));
        MemoryServer { net, wire: options.wire, output: Vec::new() }
    }

    /// The network.
    pub(crate) fn net(&self) -> MemoryNet {
        self.net.clone()
    }

    /// Answers some of what came.
    pub(crate) fn serve(&mut self) {
        for _ in 0..PER_TURN {
            match self.net.next() {
                Some(ServerEvent::Received { link, mut bytes }) => {
                    self.output.clear();
                    speech::answer(self.wire, &mut bytes, &mut self.output);
                    self.net.send(link, &self.output);
                }
                Some(_) => {}
                None => return,
            }
        }
    }
}
