//! TLS for the demo's servers: an authority and its certificates, made at the start and gone with the demo.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::PrivateKeyDer,
    server::{VerifierBuilderError, WebPkiClientVerifier},
};
use tokio_rustls::TlsAcceptor;

/// What certificates a demo's servers have. The default fits `localhost` and the loopback addresses.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    names: Vec<String>,
    time: Time,
    clients: Clients,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Valid,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clients {
    Unknown,
    Certified,
}

/// Certificates as PEM, for clients.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authority that has signed all of them.
    pub authority: String,
    /// A client's certificate.
    pub client: String,
    /// Its key.
    pub client_key: String,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// They cannot be made.
    #[error("the certificates cannot be made")]
    Make(#[from] rcgen::Error),
    /// They cannot be used.
    #[error("the certificates cannot be used")]
    Use(#[from] rustls::Error),
    /// Clients cannot be checked with them.
    #[error("the clients' certificates cannot be checked")]
    Check(#[from] VerifierBuilderError),
}

impl Default for TlsOptions {
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        Self { names, time: Time::Valid, clients: Clients::Unknown }
    }
}

impl TlsOptions {
    /// The names and addresses the certificate is for.
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// A certificate that was valid until the end of 2001.
    pub fn expired(mut self) -> Self {
        self.time = Time::Expired;
        self
    }

    /// Only clients with a certificate of the demo's authority are let in.
    pub fn certified_clients(mut self) -> Self {
        self.clients = Clients::Certified;
        self
    }

    /// Makes the certificates, and what servers need of them.
    pub(crate) fn make(&self) -> Result<(TlsAcceptor, Credentials), TlsError> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let mut params = CertificateParams::new(self.names.clone())?;
        if self.time == Time::Expired {
            params.not_after = date_time_ymd(2001, 12, 31);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        let client_key = KeyPair::generate()?;
        let client = CertificateParams::new(["robot".to_owned()])?.signed_by(&client_key, &authority)?;

        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match self.clients {
            Clients::Unknown => builder.with_no_client_auth(),
            Clients::Certified => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone())?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = builder.with_single_cert(vec![certificate.der().clone()], key)?;
        let credentials = Credentials {
            authority: authority.pem(),
            client: client.pem(),
            client_key: client_key.serialize_pem(),
        };
        Ok((TlsAcceptor::from(Arc::new(config)), credentials))
    }
}
