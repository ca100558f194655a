//! A server program that a test starts, and that ends with it.

use std::io::{BufRead, BufReader, Lines};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// An address for a server that takes no port 0 or does not say which one it got. It was free a moment ago, and is on an address
/// of this machine that nothing else of the tests is at, so that nobody takes it meanwhile.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.77.0.1:0").unwrap().local_addr().unwrap()
}

/// A server in a process of its own; it does not outlive this.
pub(crate) struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts `command`; `missing` says what to do when there is no such program.
    #[track_caller]
    pub(crate) fn start(mut command: Command, missing: &str) -> Server {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}; {missing}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Server { child, lines }
    }

    /// The next line it prints.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("the server ended without a word; see above").unwrap()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
