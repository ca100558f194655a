//! Connections to rustls as a server, with everything cut where it hurts.

use super::*;
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::sync::Arc;

/// A certificate authority of the tests.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate: certificate.der().clone(), key }
    }

    fn spec(&self) -> TlsSpec {
        TlsSpec { ca: Some(self.0.pem().into_bytes()), ..TlsSpec::default() }
    }
}

/// A client and a server, and the bytes between them.
struct Pair {
    client: Tls,
    server: ServerConnection,
    to_server: Vec<u8>,
    received: Vec<u8>,
    at_server: Vec<u8>,
}

impl Pair {
    fn new(spec: &TlsSpec, server: ServerConfig) -> Pair {
        let config = TlsConfig::build(spec).unwrap();
        let mut client = Tls::client(&config, "localhost").unwrap();
        let mut to_server = Vec::new();
        client.start(&mut to_server).unwrap();
        let server = ServerConnection::new(Arc::new(server)).unwrap();
        Pair { client, server, to_server, received: Vec::new(), at_server: Vec::new() }
    }

    /// One that is open, with a certificate both agree on.
    fn open(version: TlsVersion) -> Pair {
        let authority = Authority::new();
        let mut pair = Pair::new(&authority.spec(), server(authority.issue(|_| {}), version, None));
        pair.exchange(usize::MAX).unwrap();
        assert!(pair.client.is_open());
        pair
    }

    /// Lets both talk until neither has anything to say; the client is given at most `cut` bytes at once.
    fn exchange(&mut self, cut: usize) -> Result<(), TlsError> {
        loop {
            let sent = std::mem::take(&mut self.to_server);
            let mut rest = &sent[..];
            while !rest.is_empty() {
                self.server.read_tls(&mut rest).unwrap();
                // What the server does not like, it says with an alert.
                let _ = self.server.process_new_packets();
                // At the end of what is there it would block.
                let _ = self.server.reader().read_to_end(&mut self.at_server);
            }
            let mut answer = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut answer).unwrap();
            }
            if answer.is_empty() && sent.is_empty() {
                return Ok(());
            }
            self.give(&mut answer, cut)?;
        }
    }

    fn give(&mut self, bytes: &mut [u8], cut: usize) -> Result<(), TlsError> {
        bytes.chunks_mut(cut).try_for_each(|piece| {
            let received = &mut self.received;
            let result =
                self.client.receive(piece, &mut self.to_server, |plain| received.extend_from_slice(plain));
            assert!(self.client.kept() <= LONGEST_TAIL);
            result
        })
    }
}

fn server(identity: Identity, version: TlsVersion, clients: Option<&Authority>) -> ServerConfig {
    let versions: &[_] = match version {
        TlsVersion::Tls12 => &[&rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    builder.with_single_cert(vec![identity.certificate], key).unwrap()
}

/// What becomes of a handshake with a server that has the certificate of `change`.
#[track_caller]
fn refused(change: impl FnOnce(&mut CertificateParams), wanted: &str) {
    let authority = Authority::new();
    let config = server(authority.issue(change), TlsVersion::Tls13, None);
    let mut pair = Pair::new(&authority.spec(), config);
    assert_eq!(pair.exchange(usize::MAX).unwrap_err().to_string(), wanted);
    assert!(!pair.client.is_open());
    assert!(!pair.to_server.is_empty(), "the server is told why");
}

#[test]
fn both_versions_carry_messages_both_ways() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut pair = Pair::open(version);
        pair.client.seal(b"up", &mut pair.to_server).unwrap();
        pair.server.writer().write_all(b"down").unwrap();
        pair.exchange(usize::MAX).unwrap();
        assert_eq!((&pair.at_server[..], &pair.received[..]), (&b"up"[..], &b"down"[..]), "{version:?}");
        assert_eq!(pair.client.kept(), 0, "an idle connection keeps nothing");
    }
}

#[test]
fn several_messages_in_one_record_and_one_in_several_arrive_whole() {
    let mut pair = Pair::open(TlsVersion::Tls13);
    let large: Vec<u8> = (0..200_000u32).map(|at| at as u8).collect();
    pair.client.seal(b"one two", &mut pair.to_server).unwrap();
    pair.client.seal(&large, &mut pair.to_server).unwrap();
    let sent = pair.to_server.len();
    assert!(sent > large.len() && sent < large.len() + 1000, "{sent}");
    pair.exchange(usize::MAX).unwrap();
    assert_eq!(pair.at_server, [b"one two", &large[..]].concat());
    pair.server.writer().write_all(&large[..60_000]).unwrap();
    pair.exchange(1000).unwrap();
    assert_eq!(pair.received, &large[..60_000], "a record is larger than each read");
}

#[test]
fn close_notify_is_told_from_a_mere_end() {
    let mut pair = Pair::open(TlsVersion::Tls13);
    pair.server.send_close_notify();
    pair.exchange(usize::MAX).unwrap();
    assert!(pair.client.is_closed() && pair.client.is_open());
    pair.client.seal(b"still", &mut pair.to_server).unwrap();
    pair.client.close(&mut pair.to_server);
    pair.exchange(usize::MAX).unwrap();
    assert_eq!(pair.at_server, b"still");
    assert!(pair.server.process_new_packets().unwrap().peer_has_closed());
}

#[test]
fn nothing_is_sealed_before_the_handshake_is_done() {
    let authority = Authority::new();
    let mut pair = Pair::new(&authority.spec(), server(authority.issue(|_| {}), TlsVersion::Tls13, None));
    let mut out = Vec::new();
    assert_eq!(pair.client.seal(b"x", &mut out), Err(TlsError::NotOpen));
    pair.client.close(&mut out);
    assert!(out.is_empty());
}

#[test]
fn certificates_that_do_not_fit_are_refused_with_the_reason() {
    refused(
        |params| params.not_after = date_time_ymd(2001, 2, 3),
        "the server's certificate expired on 2001-02-03",
    );
    refused(
        |params| params.not_before = date_time_ymd(3001, 2, 3),
        "the server's certificate is not valid before 3001-02-03",
    );
    refused(
        |params| *params = CertificateParams::new(["game.test".to_owned(), "10.0.0.1".to_owned()]).unwrap(),
        "the server's certificate is for game.test, 10.0.0.1, not for localhost",
    );
}

#[test]
fn an_unknown_issuer_is_refused_unless_nobody_is_asked_for() {
    let strangers = Authority::new();
    let config = || server(strangers.issue(|_| {}), TlsVersion::Tls12, None);
    let mut pair = Pair::new(&TlsSpec::default(), config());
    assert_eq!(pair.exchange(usize::MAX), Err(TlsError::UnknownIssuer));
    let mut pair = Pair::new(&TlsSpec { insecure: true, ..TlsSpec::default() }, config());
    pair.exchange(usize::MAX).unwrap();
    assert!(pair.client.is_open());
}

#[test]
fn the_servers_name_can_be_given() {
    let authority = Authority::new();
    let identity =
        || authority.issue(|params| *params = CertificateParams::new(["game.test".to_owned()]).unwrap());
    let spec = TlsSpec { server_name: Some("game.test".to_owned()), ..authority.spec() };
    let mut pair = Pair::new(&spec, server(identity(), TlsVersion::Tls13, None));
    pair.exchange(usize::MAX).unwrap();
    assert!(pair.client.is_open());
}

#[test]
fn a_server_that_wants_to_know_us_is_answered_or_says_what_it_misses() {
    let authority = Authority::new();
    let identity = authority.issue(|_| {});
    let client = ClientIdentity {
        certificate: pem("CERTIFICATE", &identity.certificate),
        key: identity.key.serialize_pem().into_bytes(),
    };
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let config = || server(authority.issue(|_| {}), version, Some(&authority));
        let mut pair = Pair::new(&authority.spec(), config());
        let missing = pair.exchange(usize::MAX).unwrap_err().to_string();
        assert_eq!(missing, "the server refused: certificate required");
        let mut pair = Pair::new(&TlsSpec { client: Some(client.clone()), ..authority.spec() }, config());
        pair.exchange(usize::MAX).unwrap();
        assert!(pair.client.is_open(), "{version:?}");
    }
}

#[test]
fn a_version_that_is_too_old_has_nothing_in_common_with_us() {
    let authority = Authority::new();
    let spec = TlsSpec { min_version: TlsVersion::Tls13, ..authority.spec() };
    let mut pair = Pair::new(&spec, server(authority.issue(|_| {}), TlsVersion::Tls12, None));
    assert_eq!(pair.exchange(usize::MAX).unwrap_err().to_string(), "the server refused: protocol version");
}

#[test]
fn sessions_are_resumed_unless_that_is_switched_off() {
    let authority = Authority::new();
    let identity = Arc::new(server(authority.issue(|_| {}), TlsVersion::Tls13, None));
    let sizes = |config: &TlsConfig| {
        [(); 2].map(|()| {
            let mut client = Tls::client(config, "localhost").unwrap();
            let mut to_server = Vec::new();
            client.start(&mut to_server).unwrap();
            let server = ServerConnection::new(Arc::clone(&identity)).unwrap();
            let mut pair = Pair { client, server, to_server, received: Vec::new(), at_server: Vec::new() };
            pair.exchange(usize::MAX).unwrap();
            pair.server.handshake_kind()
        })
    };
    use rustls::HandshakeKind::{Full, Resumed};
    let config = TlsConfig::build(&authority.spec()).unwrap();
    assert_eq!(sizes(&config), [Some(Full), Some(Resumed)]);
    assert_eq!(sizes(&config.with_own_sessions()), [Some(Full), Some(Resumed)], "sessions of its own");
    let config = TlsConfig::build(&TlsSpec { resume: false, ..authority.spec() }).unwrap();
    assert_eq!(sizes(&config.with_own_sessions()), [Some(Full), Some(Full)]);
}

#[test]
fn what_is_no_tls_is_said_to_be_none() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0\x05hello", b"+PONG\r\n"] {
        let mut client = Tls::client(&TlsConfig::default(), "127.0.0.1").unwrap();
        let mut out = Vec::new();
        client.start(&mut out).unwrap();
        let result = client.receive(&mut bytes.to_vec(), &mut out, |_| panic!("there is no plaintext"));
        assert_eq!(result, Err(TlsError::NotTls));
    }
}

#[test]
fn a_handshake_message_without_end_is_not_kept() {
    let mut client = Tls::client(&TlsConfig::default(), "127.0.0.1").unwrap();
    let mut out = Vec::new();
    client.start(&mut out).unwrap();
    // A ServerHello of 65,000 bytes, in records of 16,000.
    let mut record = [&[22, 3, 3, 0x3e, 0x80, 2, 0, 0xfd, 0xe8][..], &[0; 15_996]].concat();
    let mut result = Ok(());
    for _ in 0..5 {
        result = result.and_then(|()| client.receive(&mut record.clone(), &mut out, |_| {}));
        assert!(client.kept() <= LONGEST_TAIL);
        record[5..9].fill(0);
    }
    assert_eq!(result, Err(TlsError::TooLong));
}

#[test]
fn names_that_no_certificate_has_are_refused() {
    assert!(matches!(Tls::client(&TlsConfig::default(), "a b"), Err(TlsError::Name(_))));
    assert!(Tls::client(&TlsConfig::default(), "[::1]").is_ok());
    let spec = TlsSpec { server_name: Some("a b".to_owned()), ..TlsSpec::default() };
    assert!(matches!(TlsConfig::build(&spec), Err(TlsSetupError::ServerName)));
}

#[test]
fn files_that_hold_something_else_are_named() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(|_| {}), authority.issue(|_| {}));
    let build = |change: &dyn Fn(&mut TlsSpec)| {
        let mut spec = TlsSpec::default();
        change(&mut spec);
        TlsConfig::build(&spec).unwrap_err()
    };
    let key = one.key.serialize_pem().into_bytes();
    let certificate = pem("CERTIFICATE", &one.certificate);
    let client = |certificate: &[u8], key: &[u8]| {
        let (certificate, key) = (certificate.to_vec(), key.to_vec());
        build(&|spec| {
            spec.client = Some(ClientIdentity { certificate: certificate.clone(), key: key.clone() });
        })
    };
    assert!(matches!(build(&|spec| spec.ca = Some(b"nothing".to_vec())), TlsSetupError::Ca(_)));
    assert!(matches!(build(&|spec| spec.ca = Some(pem("CERTIFICATE", b"xyz"))), TlsSetupError::Ca(_)));
    assert!(matches!(client(&key, &key), TlsSetupError::Certificate(_)));
    assert!(matches!(client(&certificate, &certificate), TlsSetupError::Key(_)));
    let others = other.key.serialize_pem().into_bytes();
    assert!(matches!(client(&certificate, &others), TlsSetupError::Pair(_)));
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn however_the_ciphertext_is_cut_the_same_plaintext_comes(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 1..8),
        cut in 1usize..2_000,
        handshake_cut in 1usize..200,
    ) {
        let authority = Authority::new();
        let mut pair =
            Pair::new(&authority.spec(), server(authority.issue(|_| {}), TlsVersion::Tls13, None));
        pair.exchange(handshake_cut).unwrap();
        for message in &messages {
            pair.server.writer().write_all(message).unwrap();
            pair.client.seal(message, &mut pair.to_server).unwrap();
        }
        pair.exchange(cut).unwrap();
        prop_assert_eq!(&pair.received, &messages.concat());
        prop_assert_eq!(&pair.at_server, &messages.concat());
    }

    #[test]
    fn one_byte_for_each_read_is_enough(message in prop::collection::vec(any::<u8>(), 1..300)) {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let authority = Authority::new();
            let mut pair = Pair::new(&authority.spec(), server(authority.issue(|_| {}), version, None));
            pair.exchange(1).unwrap();
            pair.server.writer().write_all(&message).unwrap();
            pair.exchange(1).unwrap();
            prop_assert_eq!(&pair.received, &message);
        }
    }

    #[test]
    fn a_byte_changed_on_its_way_is_an_error_or_changes_nothing(at in any::<prop::sample::Index>(), by in 1u8..) {
        let mut pair = Pair::open(TlsVersion::Tls13);
        pair.server.writer().write_all(b"something to say").unwrap();
        let mut bytes = Vec::new();
        pair.server.write_tls(&mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let result = pair.give(&mut bytes, usize::MAX);
        prop_assert!(result.is_err() || pair.received.is_empty() || pair.received == b"something to say");
    }

    #[test]
    fn whatever_a_server_says_first_harms_nobody(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        head in prop::option::of(prop::sample::select(vec![
            vec![22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3],
            vec![21, 3, 3, 0, 2, 2, 40],
            vec![21, 3, 3, 0, 2, 1, 0],
            vec![23, 3, 3, 0, 9],
        ])),
        cut in 1usize..100,
    ) {
        let mut client = Tls::client(&TlsConfig::default(), "127.0.0.1").unwrap();
        let mut out = Vec::new();
        client.start(&mut out).unwrap();
        let mut bytes = [head.unwrap_or_default(), bytes].concat();
        for piece in bytes.chunks_mut(cut) {
            let _ = client.receive(piece, &mut out, |_| {});
            let _ = client.seal(b"x", &mut out);
        }
        prop_assert!(!client.is_open());
    }
}
