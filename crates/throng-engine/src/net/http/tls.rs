//! TLS under HTTP, as the run's settings say.

use super::Trouble;
use rustls::pki_types::ServerName;
use std::io;
use throng_metrics::FailureKind;
use throng_wire::{TlsConfig, TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// Shakes hands over a stream.
pub(super) async fn wrap<S>(
    config: &TlsConfig,
    host: &Host<String>,
    stream: S,
) -> Result<TlsStream<S>, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = match (config.server_name(), host) {
        (Some(name), _) => name.clone(),
        (None, Host::Ipv4(address)) => ServerName::IpAddress((*address).into()),
        (None, Host::Ipv6(address)) => ServerName::IpAddress((*address).into()),
        (None, Host::Domain(name)) => ServerName::try_from(name.clone())
            .map_err(|_| Trouble::new(FailureKind::Tls, TlsError::Name(name.as_str().into()).to_string()))?,
    };
    let connected = TlsConnector::from(config.client()).connect(name, stream).await;
    connected.map_err(|error| Trouble::new(FailureKind::Tls, reason(&error)))
}

/// Why a handshake failed, in a person's words.
fn reason(error: &io::Error) -> String {
    match failure(error, false) {
        Some(error) => error.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => TlsError::ClosedEarly.to_string(),
        None => error.to_string(),
    }
}

/// What went wrong with TLS, if that is what an error is about; `open` says whether the handshake was done.
pub(super) fn failure(error: &io::Error, open: bool) -> Option<TlsError> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(TlsError::from_peer(tls.clone(), open))
}
