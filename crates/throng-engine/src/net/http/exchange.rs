//! One HTTP request from its first connection to the response behind its last redirect.

use super::client::{Client, Connection};
use super::dial::Dialler;
use super::{Spent, Trouble, tls};
use crate::http::{Asked, HttpResponse, check_address};
use crate::net::target::shown;
use crate::redact::Redaction;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1};
use hyper::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use throng_metrics::FailureKind;
use url::{Position, Url};

/// How long a connection of a robot stays open without a request.
const REST: Duration = Duration::from_secs(60);
/// What the head of a response may take, in bytes.
const LONGEST_HEAD: usize = 64 << 10;
const AGENT: &str = concat!("throng/", env!("CARGO_PKG_VERSION"));

/// An exchange while it goes on.
pub(super) struct Exchange<'a> {
    pub(super) dialler: &'a Dialler,
    pub(super) client: &'a Arc<Client>,
    pub(super) response_limit: usize,
    pub(super) spent: &'a mut Spent,
}

/// What a response asks for.
pub(super) enum Followed {
    /// Nothing more.
    Arrived,
    /// The request is to be made again, as it is now.
    Onward,
}

/// Why a request on a connection brought no response.
enum Lost {
    /// Nothing of it was sent, or nothing can have come of it: it may be sent again, on another connection.
    Unsent,
    For(Trouble),
}

impl Exchange<'_> {
    /// Sends a request and follows its redirects.
    pub(super) async fn run(mut self, mut asked: Asked) -> Result<HttpResponse, Trouble> {
        let mut followed = 0;
        loop {
            let response = self.once(&asked).await?;
            if let Followed::Arrived = asked.take_in(self.client, &response, &mut followed)? {
                return Ok(response);
            }
        }
    }

    /// One request and its response, on a connection that is open or on a new one.
    async fn once(&mut self, asked: &Asked) -> Result<HttpResponse, Trouble> {
        let origin = &asked.url[..Position::BeforePath];
        loop {
            let open = self.client.take(origin);
            let fresh = open.is_none();
            let connection = match open {
                Some(connection) => connection,
                None => self.connect(&asked.url, origin).await?,
            };
            match self.ask(connection, asked).await {
                Ok(done) => return Ok(done),
                Err(Lost::Unsent) if !fresh => {}
                Err(Lost::Unsent) => {
                    return Err(Trouble::new(
                        FailureKind::Closed,
                        "the server closed the connection at once",
                    ));
                }
                Err(Lost::For(trouble)) => return Err(trouble),
            }
        }
    }

    async fn connect(&mut self, url: &Url, origin: &str) -> Result<Connection, Trouble> {
        let begun = Instant::now();
        let opened = self.open(url, origin).await;
        self.spent.connecting += begun.elapsed();
        opened
    }

    async fn open(&self, url: &Url, origin: &str) -> Result<Connection, Trouble> {
        let stream = self.dialler.open(url).await?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(LONGEST_HEAD);
        let spoken = builder.handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await;
        let (sender, connection) = spoken.map_err(|error| Trouble::of(&error))?;
        let id = self.client.next_id();
        tokio::spawn(drive(connection, Arc::downgrade(self.client), id));
        Ok(Connection { id, origin: origin.into(), sender, used: false })
    }

    /// The time from here to the response's last byte is the server's.
    async fn ask(&mut self, mut connection: Connection, asked: &Asked) -> Result<HttpResponse, Lost> {
        if connection.sender.ready().await.is_err() {
            return Err(Lost::Unsent);
        }
        let request = asked.request(self.client).map_err(Lost::For)?;
        let begun = Instant::now();
        let response = connection.sender.try_send_request(request).await;
        let response = response.map_err(|error| lost(error, &connection, &asked.method))?;
        let response = self.read(response).await.map_err(Lost::For)?;
        self.spent.exchanging += begun.elapsed();
        if !connection.sender.is_closed() {
            self.client.rest(connection);
        }
        Ok(response)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<HttpResponse, Trouble> {
        let (head, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| Trouble::of(&error))?;
            let Some(bytes) = frame.data_ref() else { continue };
            if body.len() + bytes.len() > self.response_limit {
                let text = format!("a response of more than {} bytes", self.response_limit);
                return Err(Trouble::new(FailureKind::Framing, text));
            }
            body.extend_from_slice(bytes);
        }
        let headers =
            head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        Ok(HttpResponse { status: head.status.as_u16(), headers: headers.collect(), body })
    }
}

/// A connection that was kept open may have been closed by its server at the moment the request went out. What was not
/// sent goes out again; so does what may be asked twice without harm.
fn lost(mut error: TrySendError<Request<Full<Bytes>>>, connection: &Connection, method: &Method) -> Lost {
    let unsent = error.take_message().is_some();
    let error = error.into_error();
    let ended = error.is_incomplete_message() || error.is_closed() || io_error(&error).is_some();
    match unsent || connection.used && method.is_idempotent() && ended {
        true if connection.used => Lost::Unsent,
        _ => Lost::For(Trouble::of(&error)),
    }
}

/// Moves a connection's bytes until it ends; one that nobody uses for a while is closed.
async fn drive(
    connection: http1::Connection<TokioIo<Box<dyn super::dial::Stream>>, Full<Bytes>>,
    client: Weak<Client>,
    id: u64,
) {
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            // Whoever waits for a response is told of the error there.
            _ = &mut connection => return,
            () = tokio::time::sleep(REST) => {
                if let Some(client) = client.upgrade() {
                    client.close_rested(id, REST);
                }
            }
        }
    }
}

impl Asked {
    fn request(&self, client: &Client) -> Result<Request<Full<Bytes>>, Trouble> {
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(target)
            .body(Full::new(self.body.clone()))
            .map_err(|error| Trouble::new(FailureKind::Unreachable, error.to_string()))?;
        *request.headers_mut() = self.headers_to_send(client)?;
        Ok(request)
    }

    /// The script's headers, and those that it does not give.
    pub(super) fn headers_to_send(&self, client: &Client) -> Result<HeaderMap, Trouble> {
        let mut headers = self.headers.clone();
        let host = HeaderValue::from_str(&self.url[Position::BeforeHost..Position::AfterPort])
            .map_err(|error| Trouble::new(FailureKind::Unreachable, error.to_string()))?;
        headers.entry(HOST).or_insert(host);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        if let Some(cookies) = self.cookies.then(|| client.cookies(&self.url)).flatten() {
            headers.entry(COOKIE).or_insert(cookies);
        }
        Ok(headers)
    }

    /// Keeps a response's cookies, and turns to where it says.
    pub(super) fn take_in(
        &mut self,
        client: &Client,
        response: &HttpResponse,
        followed: &mut u32,
    ) -> Result<Followed, Trouble> {
        if self.cookies {
            client.keep_cookies(&self.url, response.header("set-cookie"));
        }
        let location = response.header("location").next().filter(|_| is_redirect(response.status));
        let Some(location) = location.filter(|_| self.redirects > 0) else { return Ok(Followed::Arrived) };
        *followed += 1;
        if *followed > self.redirects {
            let text = format!("more than {} redirects", self.redirects);
            return Err(Trouble::new(FailureKind::Protocol, text));
        }
        self.redirect(response.status, location)?;
        Ok(Followed::Onward)
    }

    fn redirect(&mut self, status: u16, location: &[u8]) -> Result<(), Trouble> {
        let wrong = |text: String| Trouble::new(FailureKind::Protocol, format!("a redirect: {text}"));
        let location = std::str::from_utf8(location).map_err(|error| wrong(error.to_string()))?;
        let mut to =
            self.url.join(location).map_err(|error| wrong(format!("`{}`: {error}", shown(location))))?;
        check_address(&to).map_err(wrong)?;
        to.set_fragment(None);
        if to.origin() != self.url.origin() {
            let redaction = Redaction::default();
            let meant_for_one = |name: &HeaderName| *name == HOST || redaction.is_secret(name.as_str());
            let names: Vec<HeaderName> =
                self.headers.keys().filter(|name| meant_for_one(name)).cloned().collect();
            for name in names {
                self.headers.remove(name);
            }
        }
        let keeps = matches!(status, 307 | 308) || matches!(self.method, Method::GET | Method::HEAD);
        if !keeps {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(CONTENT_TYPE);
        }
        self.url = to;
        Ok(())
    }
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// An error and what is behind it.
fn causes(error: &hyper::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |cause| (*cause).source())
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

impl Trouble {
    fn of(error: &hyper::Error) -> Trouble {
        // With TLS 1.3 a server looks at our certificate when the handshake is done for us.
        if let Some(error) = io_error(error).and_then(|error| tls::failure(error, true)) {
            return Trouble::new(FailureKind::Tls, error.to_string());
        }
        let kind = match io_error(error) {
            _ if error.is_parse() => FailureKind::Protocol,
            Some(io) if io.kind() == io::ErrorKind::ConnectionReset => FailureKind::Reset,
            Some(io) if io.kind() == io::ErrorKind::TimedOut => FailureKind::Timeout,
            _ => FailureKind::Closed,
        };
        let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
        Trouble::new(kind, texts.join(": "))
    }
}
