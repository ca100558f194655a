//! Names become addresses on a thread of their own, because the system's resolver blocks.

use mio::Waker;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Questions that may wait at once; more are refused.
const QUEUE: usize = 65_536;
/// Answers that are remembered, and how long they are believed: thousands of robots ask for the same name at once.
const NAMES: usize = 1000;
const FRESH: Duration = Duration::from_secs(5);

/// A name to resolve, and who asks.
struct Question<K> {
    key: K,
    host: String,
    port: u16,
}

/// What became of a question.
pub(crate) struct Answer<K> {
    pub(crate) key: K,
    pub(crate) addresses: io::Result<Vec<SocketAddr>>,
}

/// A shard's resolver; its thread ends when this is dropped.
pub(crate) struct Resolver<K> {
    questions: SyncSender<Question<K>>,
    answers: Receiver<Answer<K>>,
    thread: Option<Unstarted<K>>,
}

/// What the thread will be given.
struct Unstarted<K> {
    inbox: Receiver<Question<K>>,
    outbox: Sender<Answer<K>>,
    waker: Arc<Waker>,
}

impl<K: Send + 'static> Resolver<K> {
    /// A resolver that wakes the shard's poll with each answer. Its thread starts with the first question.
    pub(crate) fn new(waker: Arc<Waker>) -> Resolver<K> {
        let (questions, inbox) = sync_channel(QUEUE);
        let (outbox, answers) = channel();
        Resolver { questions, answers, thread: Some(Unstarted { inbox, outbox, waker }) }
    }

    /// Asks for a name's addresses.
    ///
    /// # Errors
    /// Too many questions wait already, or there is no thread to answer.
    pub(crate) fn ask(&mut self, key: K, host: &str, port: u16) -> io::Result<()> {
        if let Some(unstarted) = self.thread.take() {
            thread::Builder::new().name("throng-dns".into()).spawn(move || unstarted.answer_all())?;
        }
        let question = Question { key, host: host.to_owned(), port };
        self.questions.try_send(question).map_err(|error| match error {
            TrySendError::Full(_) => io::Error::other("too many names wait to be resolved"),
            TrySendError::Disconnected(_) => io::Error::other("the resolver has ended"),
        })
    }

    /// The next answer that has come.
    pub(crate) fn answer(&self) -> Option<Answer<K>> {
        self.answers.try_recv().ok()
    }
}

impl<K> Unstarted<K> {
    /// Answers until the shard is gone.
    fn answer_all(self) {
        let mut known: HashMap<(String, u16), (Instant, Vec<SocketAddr>)> = HashMap::new();
        for Question { key, host, port } in &self.inbox {
            let fresh = known.get(&(host.clone(), port)).filter(|(at, _)| at.elapsed() < FRESH);
            let addresses = match fresh {
                Some((_, addresses)) => Ok(addresses.clone()),
                None => (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>),
            };
            if let (Ok(found), None) = (&addresses, fresh) {
                // Scripts can make up names without end.
                if known.len() >= NAMES {
                    known.clear();
                }
                known.insert((host, port), (Instant::now(), found.clone()));
            }
            if self.outbox.send(Answer { key, addresses }).is_err() || self.waker.wake().is_err() {
                return;
            }
        }
    }
}
