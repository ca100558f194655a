//! The border between the run's thread and the exporters' own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use crate::error::ExportError;
use crate::otlp::{self, OtlpSettings};
use crate::prometheus;
use crate::reading::Reading;

/// Questions that may wait for the run's thread; more are refused.
const WAITING: usize = 64;

/// Who gets a run's figures.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where Prometheus scrapes; port 0 is any free one.
    pub prometheus: Option<SocketAddr>,
    /// Where figures are pushed to.
    pub otlp: Option<OtlpSettings>,
}

/// The run's side. Dropping it ends the exporters at once, but for scrapes that are being answered.
#[derive(Debug)]
pub struct Exporters {
    address: Option<SocketAddr>,
    asks: Receiver<Ask>,
    last: watch::Sender<Last>,
    end: watch::Sender<bool>,
    /// The reading of this second, if somebody has asked for it.
    current: Option<Arc<Reading>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// How pushes went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushCounts {
    /// Pushes that arrived.
    pub arrived: u64,
    /// Pushes that did not, or not whole.
    pub failed: u64,
}

type Ask = oneshot::Sender<Arc<Reading>>;
/// The run's last reading, once there is one.
pub(crate) type Last = Option<Arc<Reading>>;

#[derive(Debug, Default)]
struct State {
    scrapes: AtomicU64,
    last_scraped: AtomicBool,
    pushing: AtomicBool,
    arrived: AtomicU64,
    failed: AtomicU64,
    /// Why the first push failed, until it is told.
    trouble: Mutex<Option<String>>,
}

/// The exporters' side: where they get readings, and tell how they fare.
#[derive(Clone)]
pub(crate) struct Source {
    asks: SyncSender<Ask>,
    last: watch::Receiver<Last>,
    state: Arc<State>,
}

impl Exporters {
    /// Listens, and begins to push.
    ///
    /// # Errors
    /// The address cannot be listened on, or the system gives no thread.
    pub fn start(settings: Settings) -> Result<Exporters, ExportError> {
        let listener = settings
            .prometheus
            .map(|address| listen(address).map_err(|why| ExportError::Listen { address, why }));
        let (listener, address) = match listener.transpose()? {
            Some((listener, address)) => (Some(listener), Some(address)),
            None => (None, None),
        };
        let (ask, asks) = sync_channel(WAITING);
        let (last, last_seen) = watch::channel(None);
        let (end, ended) = watch::channel(false);
        let state = Arc::new(State::default());
        state.pushing.store(settings.otlp.is_some(), Ordering::Release);
        let source = Source { asks: ask, last: last_seen, state: Arc::clone(&state) };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ExportError::Thread)?;
        let thread = thread::Builder::new()
            .name("throng-export".to_owned())
            .spawn(move || drive(runtime, listener, settings.otlp, source, ended))
            .map_err(ExportError::Thread)?;
        Ok(Exporters { address, asks, last, end, current: None, state, thread: Some(thread) })
    }

    /// Where Prometheus scrapes, with its real port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Gives whoever has asked a reading, which `read` makes if there is none of this second. To be called often; it never
    /// waits.
    pub fn serve(&mut self, read: impl Fn() -> Reading) {
        while let Ok(ask) = self.asks.try_recv() {
            let reading = self.current.get_or_insert_with(|| Arc::new(read()));
            // Whoever asked may have left.
            let _ = ask.send(Arc::clone(reading));
        }
    }

    /// Says that a second was closed, and readings of the one before are old.
    pub fn second(&mut self) {
        self.current = None;
    }

    /// Says how the run ended: this is what is read from now on, and is pushed once more.
    pub fn end(&mut self, reading: Reading) {
        self.last.send_replace(Some(Arc::new(reading)));
    }

    /// Whether the last push is on its way, or one is due.
    pub fn is_pushing(&self) -> bool {
        self.state.pushing.load(Ordering::Acquire)
    }

    /// Whether somebody scraped while the run went on, but has not seen its end.
    pub fn is_scrape_due(&self) -> bool {
        self.state.scrapes.load(Ordering::Relaxed) > 0 && !self.state.last_scraped.load(Ordering::Acquire)
    }

    /// Why pushes do not arrive: once, after the first that did not.
    pub fn trouble(&self) -> Option<String> {
        self.state.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How pushes went so far.
    pub fn pushes(&self) -> PushCounts {
        PushCounts {
            arrived: self.state.arrived.load(Ordering::Relaxed),
            failed: self.state.failed.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Exporters {
    fn drop(&mut self) {
        self.end.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has nothing more to say than it did.
            let _ = thread.join();
        }
    }
}

impl Source {
    /// A reading of this second, and whether it is the run's last; nothing where the run is gone, or too many ask at once.
    pub(crate) async fn reading(&self) -> Option<(Arc<Reading>, bool)> {
        let mut last = self.last.clone();
        if let Some(reading) = last.borrow().clone() {
            return Some((reading, true));
        }
        let (give, given) = oneshot::channel();
        self.asks.try_send(give).ok()?;
        tokio::select! {
            reading = given => Some((reading.ok()?, false)),
            last = last.wait_for(Option::is_some) => Some((last.ok()?.clone()?, true)),
        }
    }

    /// A reading was scraped; `last` says whether it was the run's last.
    pub(crate) fn scraped(&self, last: bool) {
        self.state.scrapes.fetch_add(1, Ordering::Relaxed);
        if last {
            self.state.last_scraped.store(true, Ordering::Release);
        }
    }

    /// A push has arrived or not.
    pub(crate) fn pushed<E: std::fmt::Display>(&self, pushed: Result<(), E>) {
        match pushed {
            Ok(()) => drop(self.state.arrived.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                if self.state.failed.fetch_add(1, Ordering::Relaxed) == 0 {
                    let mut trouble = self.state.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                    *trouble = Some(error.to_string());
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The exporters' thread.
fn drive(
    runtime: Runtime,
    listener: Option<TcpListener>,
    otlp: Option<OtlpSettings>,
    source: Source,
    mut ended: watch::Receiver<bool>,
) {
    runtime.block_on(async {
        if let Some(settings) = otlp {
            let source = source.clone();
            tokio::spawn(async move {
                let (last, state) = (source.last.clone(), Arc::clone(&source.state));
                otlp::push(settings, source, last).await;
                state.pushing.store(false, Ordering::Release);
            });
        }
        match listener {
            Some(listener) => prometheus::serve(listener, source, ended).await,
            // Whoever would say so has gone, which says so too.
            None => drop(ended.wait_for(|end| *end).await),
        }
    });
    // A name that is still being looked up holds nobody up.
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::testing::{moment, played};

    fn any() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn read() -> Reading {
        Reading::of(&played(), &moment())
    }

    fn get(address: SocketAddr, head: &str) -> JoinHandle<String> {
        let head = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
        thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        })
    }

    /// Serves until the thread has its answer.
    #[track_caller]
    fn served(exporters: &mut Exporters, got: JoinHandle<String>) -> String {
        let begun = Instant::now();
        while !got.is_finished() {
            exporters.serve(read);
            assert!(begun.elapsed() < Duration::from_secs(60), "there is no answer");
            thread::sleep(Duration::from_millis(1));
        }
        got.join().unwrap()
    }

    fn scraper() -> (Exporters, SocketAddr) {
        let exporters = Exporters::start(Settings { prometheus: Some(any()), otlp: None }).unwrap();
        let address = exporters.address().unwrap();
        (exporters, address)
    }

    #[test]
    fn what_is_scraped_is_read_by_the_runs_thread() {
        let (mut exporters, address) = scraper();
        assert_ne!(address.port(), 0);
        let text = served(&mut exporters, get(address, "GET /metrics HTTP/1.1"));
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("throng_requests_total{"), "{text}");
        assert!(text.contains("version=0.0.4"));
        assert!(exporters.is_scrape_due());
    }

    #[test]
    fn the_end_is_served_without_the_runs_thread() {
        let (mut exporters, address) = scraper();
        assert!(!exporters.is_scrape_due(), "nobody has scraped yet");
        served(&mut exporters, get(address, "GET /metrics HTTP/1.1"));
        exporters.end(read());
        assert!(exporters.is_scrape_due());
        let text =
            get(address, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text").join().unwrap();
        assert!(text.contains("# EOF"), "{text}");
        assert!(!exporters.is_scrape_due());
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        let (mut exporters, address) = scraper();
        for (head, wanted) in [
            ("GET / HTTP/1.1", "HTTP/1.1 200"),
            ("GET /else HTTP/1.1", "HTTP/1.1 404"),
            ("POST /metrics HTTP/1.1\r\nContent-Length: 0", "HTTP/1.1 405"),
            ("nonsense", "HTTP/1.1 400"),
        ] {
            let text = served(&mut exporters, get(address, head));
            assert!(text.starts_with(wanted), "{head}: {text}");
        }
    }

    #[test]
    fn an_address_in_use_is_an_error() {
        let (_exporters, address) = scraper();
        let error = Exporters::start(Settings { prometheus: Some(address), otlp: None }).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address} for Prometheus"));
    }

    #[test]
    fn the_end_of_a_run_waits_for_no_scraper_that_says_nothing() {
        let (exporters, address) = scraper();
        let silent = TcpStream::connect(address).unwrap();
        drop(exporters);
        drop(silent);
    }

    #[track_caller]
    fn pushed(exporters: &mut Exporters) -> PushCounts {
        exporters.end(read());
        let begun = Instant::now();
        while exporters.is_pushing() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the last push does not end");
            thread::sleep(Duration::from_millis(1));
        }
        exporters.pushes()
    }

    fn pusher(address: SocketAddr, timeout: Duration) -> Exporters {
        let settings =
            OtlpSettings { timeout, ..OtlpSettings::to(format!("http://{address}").parse().unwrap()) };
        Exporters::start(Settings { prometheus: None, otlp: Some(settings) }).unwrap()
    }

    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind(any()).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let _ = stream.write_all(answer.as_bytes());
                // All of the request is read before the connection ends, or the answer would be lost with it.
                let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
                while stream.read(&mut head).is_ok_and(|read| read > 0) {}
            }
        });
        address
    }

    #[test]
    fn the_end_is_pushed() {
        let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let mut exporters = pusher(address, Duration::from_secs(60));
        assert_eq!(pushed(&mut exporters), PushCounts { arrived: 1, failed: 0 });
        assert_eq!(exporters.trouble(), None);
    }

    #[test]
    fn a_collector_that_says_no_is_told_once() {
        let address = answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 8\r\n\r\nno token");
        let mut exporters = pusher(address, Duration::from_secs(60));
        assert_eq!(pushed(&mut exporters), PushCounts { arrived: 0, failed: 1 });
        assert_eq!(exporters.trouble().as_deref(), Some("the answer is 401 Unauthorized: no token"));
        assert_eq!(exporters.trouble(), None);
    }

    #[test]
    fn a_collector_that_says_nothing_is_left_when_its_time_is_over() {
        let listener = TcpListener::bind(any()).unwrap();
        let mut exporters = pusher(listener.local_addr().unwrap(), Duration::from_millis(50));
        assert_eq!(pushed(&mut exporters), PushCounts { arrived: 0, failed: 1 });
        assert_eq!(exporters.trouble().as_deref(), Some("no answer in time"));
    }

    #[test]
    fn exporters_that_nobody_ends_end_with_their_owner() {
        let listener = TcpListener::bind(any()).unwrap();
        drop(pusher(listener.local_addr().unwrap(), Duration::from_secs(60)));
    }
}
