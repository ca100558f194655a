//! Why exporters cannot begin.

use std::io;
use std::net::SocketAddr;

/// Why exporters cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The address of the Prometheus endpoint cannot be listened on.
    #[error("cannot listen on {address} for Prometheus")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        why: io::Error,
    },
    /// The system gives no thread.
    #[error("there is no thread for the exporters")]
    Thread(#[source] io::Error),
}
