//! One push: an HTTP request on a connection of its own.

use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use super::{Encoding, OtlpSettings};

/// More of a response is not read.
const LONGEST_RESPONSE: usize = 64 << 10;
/// More of what a collector says is not told.
const LONGEST_SAYING: usize = 200;
const PATH: &str = "/v1/metrics";

/// Why a push did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    #[error("no TLS: {0}")]
    Tls(#[source] io::Error),
    #[error("the exchange broke off: {0}")]
    Http(#[from] hyper::Error),
    #[error("no answer in time")]
    Slow,
    #[error("the answer is {status}{}", said(text))]
    Refused { status: StatusCode, text: String },
    #[error("{points} figures were refused{}", said(text))]
    Partly { points: i64, text: String },
}

impl PushError {
    /// Whether the same push may arrive another time: what OTLP calls retryable.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Http(_) | Self::Slow => true,
            Self::Tls(_) | Self::Partly { .. } => false,
            Self::Refused { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

pub(crate) struct Client<'a> {
    settings: &'a OtlpSettings,
    url: Url,
    tls: TlsConnector,
}

impl Client<'_> {
    pub(crate) fn new(settings: &OtlpSettings) -> Client<'_> {
        let mut url = settings.endpoint.clone();
        let path = url.path().trim_end_matches('/');
        let path = if path.ends_with(PATH) { path.to_owned() } else { format!("{path}{PATH}") };
        url.set_path(&path);
        Client { settings, url, tls: connector() }
    }

    /// Sends a body and reads what the collector says of it.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Result<(), PushError> {
        // Before anything is sent: what is meant to be secret must not go without TLS.
        let name = match self.url.scheme() {
            "https" => Some(self.server_name().ok_or_else(no_name).map_err(PushError::Tls)?),
            _ => None,
        };
        let stream = self.connect().await.map_err(PushError::Connect)?;
        // Most collectors are asked for a small message every few seconds.
        let _ = stream.set_nodelay(true);
        let response = match name {
            Some(name) => {
                let stream = self.tls.connect(name, stream).await.map_err(PushError::Tls)?;
                self.exchange(stream, body).await?
            }
            None => self.exchange(stream, body).await?,
        };
        judge(response).await
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let port = self.url.port_or_known_default().unwrap_or(4318);
        match self.url.host() {
            Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
            Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
            Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
            None => Err(io::Error::other("the address has no host")),
        }
    }

    fn server_name(&self) -> Option<ServerName<'static>> {
        match self.url.host()? {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
            Host::Ipv4(address) => Some(ServerName::IpAddress(address.into())),
            Host::Ipv6(address) => Some(ServerName::IpAddress(address.into())),
        }
    }

    async fn exchange<S>(&self, stream: S, body: Vec<u8>) -> Result<Response<Incoming>, PushError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end is told by the response.
        tokio::spawn(connection);
        Ok(sender.send_request(self.request(body)).await?)
    }

    fn request(&self, body: Vec<u8>) -> Request<Full<Bytes>> {
        let content_type = match self.settings.encoding {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        let mut request = Request::post(&self.url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &self.url[Position::BeforeHost..Position::AfterPort])
            .header(USER_AGENT, concat!("throng/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(Bytes::from(body)))
            .expect("a URL that was parsed has a path and a host that can be written");
        for (name, value) in &self.settings.headers {
            request.headers_mut().insert(name, value.clone());
        }
        request
    }
}

fn no_name() -> io::Error {
    io::Error::other("the host has a name that no certificate can have")
}

fn connector() -> TlsConnector {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has what TLS 1.2 and 1.3 need")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn judge(response: Response<Incoming>) -> Result<(), PushError> {
    let (head, body) = response.into_parts();
    let bytes = Limited::new(body, LONGEST_RESPONSE).collect().await.map(|body| body.to_bytes());
    // What cannot be read to its end says nothing beside its status.
    let bytes = bytes.unwrap_or_default();
    if !head.status.is_success() {
        return Err(PushError::Refused { status: head.status, text: shown(&bytes) });
    }
    let json =
        head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let read = if json {
        serde_json::from_slice::<ExportMetricsServiceResponse>(&bytes).ok()
    } else {
        ExportMetricsServiceResponse::decode(bytes).ok()
    };
    match read.and_then(|response| response.partial_success) {
        Some(partial) if partial.rejected_data_points > 0 => Err(PushError::Partly {
            points: partial.rejected_data_points,
            text: shown(partial.error_message.as_bytes()),
        }),
        _ => Ok(()),
    }
}

/// What a collector says, as far as it is text.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_SAYING)]);
    text.chars()
        .map(|c| if c.is_control() || c == '\u{fffd}' { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(endpoint: &str, wanted: &str) {
        let settings = OtlpSettings::to(endpoint.parse().unwrap());
        assert_eq!(Client::new(&settings).url.as_str(), wanted);
    }

    #[test]
    fn the_path_of_metrics_is_added_where_it_is_missing() {
        check("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics");
        check("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/metrics");
        check("https://otel.example.com/v1/metrics", "https://otel.example.com/v1/metrics");
        check("http://prometheus:9090/api/v1/otlp", "http://prometheus:9090/api/v1/otlp/v1/metrics");
    }

    #[test]
    fn what_should_be_encrypted_is_never_sent_as_it_is() {
        let settings = OtlpSettings::to("https://a..b:1/".parse().unwrap());
        let client = Client::new(&settings);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(client.post(Vec::new())).unwrap_err().to_string();
        assert_eq!(said, "no TLS: the host has a name that no certificate can have");
    }

    #[test]
    fn what_a_collector_says_is_short_and_clean() {
        assert_eq!(shown(b"\x1b[31mno\n"), "[31mno");
        assert_eq!(shown(&[b'x'; 9_999]).len(), LONGEST_SAYING);
    }
}
