//! `[tls]`: whom `tls://` and `wss://` connections trust, and what they show.

use std::path::PathBuf;

use throng_wire::{ClientIdentity, TlsConfig, TlsSetupError, TlsSpec, TlsVersion};

use super::layers::Section;
use super::setting::{Existing, Setting};
use super::shown_path;

/// TLS of all connections.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// What connections need of it.
    pub wire: TlsConfig,
    /// Any certificate is taken.
    pub insecure: bool,
}

/// What is said wherever a run is shown whose connections take any certificate.
pub const INSECURE: &str = "certificates are not checked";

const VERSIONS: [(&str, TlsVersion); 2] = [("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)];
const CA_WANTED: &str = "a PEM file with one certificate or more";
const CERTIFICATE_WANTED: &str = "a PEM file with the robots' certificate";
const KEY_WANTED: &str = "a PEM file with the certificate's private key, not encrypted";
const NAME_WANTED: &str = "a host name or an address, such as \"game.example.com\"";

pub(super) fn read(section: &Section<'_>) -> Tls {
    let before = section.layers.problem_count();
    let ca = section.setting("ca");
    let (certificate, key) = (section.setting("certificate"), section.setting("key"));
    let server_name = section.setting("server_name");
    let insecure = section.setting("insecure").and_then(|setting| setting.boolean()).unwrap_or(false);
    let min_version = section.setting("min_version").and_then(|setting| setting.choice(&VERSIONS));
    let resume = section.setting("resume").and_then(|setting| setting.boolean()).unwrap_or(true);
    section.refuse_unknown();
    let spec = TlsSpec {
        ca: ca.as_ref().and_then(file),
        client: identity(certificate.as_ref(), key.as_ref()),
        server_name: server_name.as_ref().and_then(|setting| setting.text(NAME_WANTED)),
        insecure,
        min_version: min_version.unwrap_or_default(),
        resume,
    };
    let read = |wire| Tls { wire, insecure };
    if section.layers.problem_count() > before {
        return Tls::default();
    }
    TlsConfig::build(&spec).map(read).unwrap_or_else(|error| {
        let (setting, wanted) = match &error {
            TlsSetupError::Ca(_) => (&ca, CA_WANTED),
            TlsSetupError::Certificate(_) => (&certificate, CERTIFICATE_WANTED),
            TlsSetupError::Key(_) | TlsSetupError::Pair(_) => (&key, KEY_WANTED),
            TlsSetupError::ServerName => (&server_name, NAME_WANTED),
        };
        if let Some(setting) = setting {
            setting.refuse(format!("`{}` does not fit: {error}", setting.path), wanted);
        }
        Tls::default()
    })
}

/// A certificate and its key; one without the other is of no use.
fn identity(certificate: Option<&Setting<'_>>, key: Option<&Setting<'_>>) -> Option<ClientIdentity> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (file(certificate), file(key));
            Some(ClientIdentity { certificate: certificate?, key: key? })
        }
        (Some(alone), None) => refuse_alone(alone, "tls.key"),
        (None, Some(alone)) => refuse_alone(alone, "tls.certificate"),
        (None, None) => None,
    }
}

fn refuse_alone(setting: &Setting<'_>, missing: &str) -> Option<ClientIdentity> {
    setting.refuse(format!("`{}` needs `{missing}` beside it", setting.path), "both of them, or neither");
    None
}

/// The bytes of a file, relative to the project's folder.
fn file(setting: &Setting<'_>) -> Option<Vec<u8>> {
    let path: PathBuf = setting.existing(Existing::File)?;
    std::fs::read(&path)
        .map_err(|error| {
            let title = format!("`{}`: {} cannot be read: {error}", setting.path, shown_path(&path));
            setting.refuse(title, "a readable file");
        })
        .ok()
}
