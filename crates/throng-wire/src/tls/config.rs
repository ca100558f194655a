//! What all TLS connections of a run share: whom to trust, who we are, which versions.

use super::unverified::Unverified;
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion, version};
use std::fmt;
use std::sync::Arc;

/// What a user says of TLS. The default trusts the public authorities and speaks TLS 1.2 and 1.3.
#[derive(Debug, Clone)]
pub struct TlsSpec {
    /// Certificates (PEM) that are trusted beside the public authorities'.
    pub ca: Option<Vec<u8>>,
    /// Who we are, for servers that ask.
    pub client: Option<ClientIdentity>,
    /// The name to ask for and to look for in the certificate; that of the address when there is none.
    pub server_name: Option<String>,
    /// Any certificate is taken.
    pub insecure: bool,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// Later connections to a server may go on with the session of an earlier one, which saves most of the handshake.
    pub resume: bool,
}

/// A certificate of ours and its key.
#[derive(Clone)]
pub struct ClientIdentity {
    /// The certificate (PEM), and those between it and its authority behind it.
    pub certificate: Vec<u8>,
    /// Its private key (PEM).
    pub key: Vec<u8>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// What all connections share; clones are the same configuration.
#[derive(Clone)]
pub struct TlsConfig {
    client: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    resume: bool,
}

/// A specification nothing can be made of.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The trusted certificates are none.
    #[error("there is no certificate in it that can be read: {0}")]
    Ca(String),
    /// Our certificate is none.
    #[error("there is no certificate in it that can be read: {0}")]
    Certificate(String),
    /// Our key is none.
    #[error("there is no private key in it that can be read: {0}")]
    Key(String),
    /// Our certificate and our key do not belong together.
    #[error("the certificate and the key do not go together: {0}")]
    Pair(String),
    /// The name is none.
    #[error("it is neither a host name nor an address")]
    ServerName,
}

impl Default for TlsSpec {
    fn default() -> TlsSpec {
        TlsSpec {
            ca: None,
            client: None,
            server_name: None,
            insecure: false,
            min_version: TlsVersion::default(),
            resume: true,
        }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(***)")
    }
}

impl TlsConfig {
    /// Makes of `spec` what connections need.
    ///
    /// # Errors
    /// When a certificate, a key or a name in it is none.
    pub fn build(spec: &TlsSpec) -> Result<TlsConfig, TlsSetupError> {
        let provider = Arc::new(ring::default_provider());
        let builder = verifying(spec, &provider)?;
        let mut client = match &spec.client {
            Some(identity) => identified(builder, identity)?,
            None => builder.with_no_client_auth(),
        };
        if !spec.resume {
            client.resumption = Resumption::disabled();
        }
        let server_name = spec.server_name.clone().map(ServerName::try_from);
        let server_name = server_name.transpose().map_err(|_| TlsSetupError::ServerName)?;
        Ok(TlsConfig { client: Arc::new(client), server_name, resume: spec.resume })
    }

    /// The same with sessions of its own to go on with, so that shards share none.
    pub fn with_own_sessions(&self) -> TlsConfig {
        if !self.resume {
            return self.clone();
        }
        let mut client = (*self.client).clone();
        client.resumption = Resumption::default();
        TlsConfig { client: Arc::new(client), ..self.clone() }
    }

    /// The configuration as rustls has it, for connections that are not driven by [`Tls`](super::Tls).
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }

    /// The name that every server must have, whatever its address is.
    pub fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig::build(&TlsSpec::default()).expect("the default names no file and no name")
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// A configuration that knows whom to trust.
fn verifying(
    spec: &TlsSpec,
    provider: &Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsSetupError> {
    let versions: &[&SupportedProtocolVersion] = match spec.min_version {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .expect("ring has ciphers for both versions");
    let roots = trusted(spec.ca.as_deref())?;
    Ok(if spec.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(Arc::clone(provider))))
    } else {
        builder.with_root_certificates(roots)
    })
}

/// The public authorities, and those of `ca`.
fn trusted(ca: Option<&[u8]>) -> Result<RootCertStore, TlsSetupError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(ca) = ca {
        for certificate in certificates(ca).map_err(TlsSetupError::Ca)? {
            roots.add(certificate).map_err(|error| TlsSetupError::Ca(error.to_string()))?;
        }
    }
    Ok(roots)
}

fn identified(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: &ClientIdentity,
) -> Result<ClientConfig, TlsSetupError> {
    let chain = certificates(&identity.certificate).map_err(TlsSetupError::Certificate)?;
    let key =
        PrivateKeyDer::from_pem_slice(&identity.key).map_err(|error| TlsSetupError::Key(told(&error)))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| match error {
        rustls::Error::InvalidCertificate(_) => TlsSetupError::Certificate(error.to_string()),
        other => TlsSetupError::Pair(other.to_string()),
    })
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(|error| told(&error))?;
    if all.is_empty() { Err(told(&pem::Error::NoItemsFound)) } else { Ok(all) }
}

/// Without the bytes of the file, which may be a key's.
fn told(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "no PEM block of that kind".to_owned(),
        pem::Error::MissingSectionEnd { .. } => "a PEM block has no end".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a PEM block begins wrong".to_owned(),
        pem::Error::Base64Decode(_) => "a PEM block is not base64".to_owned(),
        _ => "it is not PEM".to_owned(),
    }
}
