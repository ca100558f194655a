//! HTTP requests of a shard's robots, on a thread beside it: what a login page asks for once is not worth a protocol of the
//! shard's own. The thread starts with the first request, so that runs without HTTP have none.
//!
//! Requests come over a bounded channel and wait for one of a limited number of seats; answers go back with the shard's
//! waker, and give their seat free when the shard has taken them. The server's time is stamped around each exchange, so
//! that neither queue is billed to it. Start reading at [`exchange::Exchange::run`].

mod client;
mod dial;
mod exchange;
pub(crate) mod fake;
mod tls;
mod traffic;

use crate::config::Settings;
use crate::http::{Asked, HttpResponse};
use crate::id::OperationKey;
use crate::net::options::TcpOptions;
use crate::net::target::Allowed;
pub(crate) use client::Client;
use dial::Dialler;
use exchange::Exchange;
use mio::Waker;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use throng_metrics::FailureKind;
use throng_wire::TlsConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use traffic::Traffic;

/// Requests that may wait at once for their turn; more are refused.
const QUEUE: usize = 65_536;

/// A request and who asks.
pub(crate) struct Job {
    pub(crate) key: OperationKey,
    pub(crate) client: Arc<Client>,
    pub(crate) asked: Asked,
    /// Resolves when nobody waits for it any more.
    pub(crate) cancelled: oneshot::Receiver<Infallible>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) key: OperationKey,
    pub(crate) outcome: Result<HttpResponse, Trouble>,
    pub(crate) spent: Spent,
    /// Taken as long as the response is in memory.
    #[expect(dead_code, reason = "held, and given free when the answer is dropped")]
    seat: Option<OwnedSemaphorePermit>,
}

/// Where a request's time went, beside waiting for its turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Names, TCP and TLS.
    pub(crate) connecting: Duration,
    /// From just before a request is written to its response's last byte, over all redirects.
    pub(crate) exchanging: Duration,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: FailureKind,
    pub(crate) text: Box<str>,
}

impl Trouble {
    pub(crate) fn new(kind: FailureKind, text: impl Into<Box<str>>) -> Trouble {
        Trouble { kind, text: text.into() }
    }
}

/// What the thread needs to know of the shard's settings.
pub(crate) struct HttpReach {
    allowed: Allowed,
    local_addresses: Vec<IpAddr>,
    connect_timeout: Duration,
    response_limit: usize,
    concurrency: usize,
    tls: TlsConfig,
    tcp: TcpOptions,
}

impl HttpReach {
    pub(crate) fn new(settings: &Settings) -> HttpReach {
        HttpReach {
            allowed: settings.allowed.clone(),
            local_addresses: settings.local_addresses.clone(),
            connect_timeout: settings.connect_timeout,
            response_limit: settings.http.response_limit,
            concurrency: settings.http.concurrency.max(1),
            tls: settings.tls.clone(),
            tcp: settings.tcp,
        }
    }
}

/// The shard's end of the thread; the thread ends when this is dropped.
pub(crate) struct Http {
    waker: Arc<Waker>,
    running: Option<Running>,
}

struct Running {
    jobs: mpsc::Sender<Job>,
    answers: Receiver<HttpAnswer>,
    traffic: Arc<Traffic>,
}

impl Http {
    pub(crate) fn new(waker: Arc<Waker>) -> Http {
        Http { waker, running: None }
    }

    /// Hands a request over; the first one starts the thread.
    pub(crate) fn ask(&mut self, job: Job, settings: &Settings) -> Result<(), Trouble> {
        let running = match &mut self.running {
            Some(running) => running,
            none => {
                let started = Running::start(HttpReach::new(settings), self.waker.clone());
                none.insert(started.map_err(|error| {
                    Trouble::new(FailureKind::LocalResources, format!("no thread for HTTP: {error}"))
                })?)
            }
        };
        running.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                Trouble::new(FailureKind::Overflow, "too many HTTP requests wait for their turn")
            }
            TrySendError::Closed(_) => Trouble::new(FailureKind::LocalResources, "the HTTP thread has ended"),
        })
    }

    /// The next answer that has come.
    pub(crate) fn answer(&self) -> Option<HttpAnswer> {
        self.running.as_ref()?.answers.try_recv().ok()
    }

    /// Bytes sent and received since the last time.
    pub(crate) fn take_traffic(&self) -> (usize, usize) {
        self.running.as_ref().map_or((0, 0), |running| running.traffic.take())
    }
}

impl Running {
    fn start(reach: HttpReach, waker: Arc<Waker>) -> io::Result<Running> {
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let (outbox, answers) = channel();
        let traffic = Arc::new(Traffic::default());
        // Names are resolved on threads of the runtime's own, one at a time.
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(1).build()?;
        let seats = Arc::new(Semaphore::new(reach.concurrency));
        let response_limit = reach.response_limit;
        let dialler = Dialler::new(reach, traffic.clone());
        let worker = Worker { inbox, outbox, waker, seats, response_limit, dialler: Arc::new(dialler) };
        thread::Builder::new().name("throng-http".into()).spawn(move || worker.work(runtime))?;
        Ok(Running { jobs, answers, traffic })
    }
}

/// The thread's end.
struct Worker {
    inbox: mpsc::Receiver<Job>,
    outbox: Sender<HttpAnswer>,
    waker: Arc<Waker>,
    seats: Arc<Semaphore>,
    response_limit: usize,
    dialler: Arc<Dialler>,
}

impl Worker {
    fn work(mut self, runtime: Runtime) {
        runtime.block_on(async {
            while let Some(job) = self.inbox.recv().await {
                let Ok(seat) = self.seats.clone().acquire_owned().await else { return };
                tokio::spawn(self.exchange(job, seat));
            }
        });
        // The system's resolver may take its time.
        runtime.shutdown_background();
    }

    /// A task that makes one exchange, unless nobody wants it any more.
    fn exchange(&self, job: Job, seat: OwnedSemaphorePermit) -> impl Future<Output = ()> + Send + use<> {
        let (outbox, waker, dialler) = (self.outbox.clone(), self.waker.clone(), self.dialler.clone());
        let response_limit = self.response_limit;
        async move {
            let Job { key, client, asked, cancelled } = job;
            let (timeout, mut spent) = (asked.timeout, Spent::default());
            let exchange = Exchange { dialler: &dialler, client: &client, response_limit, spent: &mut spent };
            let timed = tokio::time::timeout(timeout, exchange.run(asked));
            let outcome = tokio::select! {
                biased;
                _ = cancelled => return,
                outcome = timed => outcome,
            };
            let late = |_| Err(Trouble::new(FailureKind::Timeout, "no response in time"));
            let answer = HttpAnswer { key, outcome: outcome.unwrap_or_else(late), spent, seat: Some(seat) };
            if outbox.send(answer).is_ok() {
                // A shard that cannot be woken comes round by itself within a second.
                let _ = waker.wake();
            }
        }
    }
}
