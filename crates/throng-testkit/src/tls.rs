//! TLS: servers with wrong certificates, that break the handshake, and that break what follows it.

use std::io::{self, Read, Write};
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion, version};

use crate::behaviour::{BROKEN, Behaviour, Counted, LIVES, NEVER};
use crate::bytes::joined;
use crate::peer::Peer;
use crate::protocol::Protocol;

type Authority = CertifiedIssuer<'static, KeyPair>;

static TRUSTED: LazyLock<Authority> = LazyLock::new(new_authority);

/// The certificate (PEM) that robots are told to trust.
pub fn authority() -> String {
    TRUSTED.pem()
}

fn new_authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("the system gives random bytes");
    CertifiedIssuer::self_signed(params, key).expect("an authority signs itself")
}

/// A server with a certificate of `authority`.
fn config(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    change: impl FnOnce(&mut CertificateParams),
) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address is a name");
    change(&mut params);
    let key = KeyPair::generate().expect("the system gives random bytes");
    let certificate = params.signed_by(&key, authority).expect("an authority signs");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("the provider knows these versions");
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    Arc::new(config.expect("the key is the certificate's"))
}

/// A connection whose handshake is done.
struct Session<'p> {
    tls: ServerConnection,
    peer: &'p mut Peer,
}

impl Session<'_> {
    /// The next request's frame.
    fn request(&mut self) -> io::Result<Vec<u8>> {
        let mut stream = rustls::Stream::new(&mut self.tls, &mut self.peer.tcp);
        Protocol::Short.read(&mut stream as &mut dyn Read)
    }

    /// A record's bytes, not sent yet.
    fn sealed(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.tls.writer().write_all(plain)?;
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes)?;
        }
        Ok(bytes)
    }

    fn say(&mut self, plain: &[u8]) -> io::Result<()> {
        let bytes = self.sealed(plain)?;
        self.peer.say(&bytes)
    }

    /// Answers requests for as long as they come.
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let request = self.request()?;
            self.say(&Protocol::Short.framed(&request))?;
        }
    }
}

/// Shakes hands, and does something with the first request.
fn opened(
    name: &'static str,
    (counted, end): (Counted, &'static str),
    act: impl Fn(&mut Session<'_>) -> io::Result<()> + Send + Sync + 'static,
) -> Behaviour {
    opened_with(name, &version::TLS13, (counted, end), act)
}

fn opened_with(
    name: &'static str,
    version: &'static SupportedProtocolVersion,
    (counted, end): (Counted, &'static str),
    act: impl Fn(&mut Session<'_>) -> io::Result<()> + Send + Sync + 'static,
) -> Behaviour {
    let config = config(&TRUSTED, &[version], |_| {});
    Behaviour::new(name, Protocol::Tls, counted, end, move |peer| {
        let tls = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut session = Session { tls, peer };
        session.request()?;
        // Its sessions and what else it has to say goes out before anything wrong.
        let first = session.sealed(b"")?;
        session.peer.say(&first)?;
        act(&mut session)
    })
}

/// One whose certificate is refused.
fn distrusted(name: &'static str, config: Arc<ServerConfig>) -> Behaviour {
    Behaviour::new(name, Protocol::Tls, Counted::Connect("tls"), NEVER, move |peer| {
        let mut tls = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        // The client says why it does not like it, and goes.
        tls.complete_io(&mut peer.tcp).map(|_| ())?;
        peer.listen()
    })
}

/// One that says these bytes in place of its part of the handshake.
fn refused(name: &'static str, bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    Behaviour::new(name, Protocol::Tls, Counted::Connect("tls"), NEVER, move |peer| {
        hello(peer)?;
        peer.say(&bytes)?;
        peer.listen()
    })
}

/// Reads the client's first record.
fn hello(peer: &mut Peer) -> io::Result<()> {
    let mut head = [0; 5];
    peer.tcp.read_exact(&mut head)?;
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    peer.tcp.read_exact(&mut record)
}

/// One that says these bytes on a connection that is open.
fn breaks(name: &'static str, bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    opened(name, (Counted::Connection("tls"), BROKEN), move |session| session.peer.say(&bytes))
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [certificates(), handshakes(), silences(), records(), endings(), right()].concat()
}

fn certificates() -> Vec<Behaviour> {
    let both = [&version::TLS12, &version::TLS13];
    let with = |change: fn(&mut CertificateParams)| config(&TRUSTED, &both, change);
    let unknown = config(&new_authority(), &both, |_| {});
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("these are names");
        config(&TRUSTED, &both, |own| own.subject_alt_names = params.subject_alt_names)
    };
    vec![
        distrusted("certificate_of_an_unknown_authority", unknown),
        distrusted("certificate_for_another_host", named(&["game.example.com"])),
        distrusted("certificate_for_another_address", named(&["127.0.0.2"])),
        distrusted("certificate_for_nobody", named(&[])),
        distrusted("certificate_expired", with(|params| params.not_after = date_time_ymd(2001, 12, 31))),
        distrusted("certificate_not_yet_valid", with(|params| params.not_before = date_time_ymd(2199, 1, 1))),
        distrusted("certificate_signed_by_itself", self_signed()),
    ]
}

fn self_signed() -> Arc<ServerConfig> {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("it signs itself");
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions");
    let config = builder.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key);
    Arc::new(config.expect("the key is the certificate's"))
}

fn handshakes() -> Vec<Behaviour> {
    let alert = |code: u8| [0x15, 3, 3, 0, 2, 2, code];
    // A ServerHello of TLS 1.1 and one with a suite nobody offered; the rest of it is noughts.
    let server_hello = |version: [u8; 2], suite: [u8; 2]| {
        let body = joined(&[&version, &[7; 32], &[0], &suite, &[0]]);
        joined(&[&[0x16, 3, 3, 0, body.len() as u8 + 4, 2, 0, 0, body.len() as u8], &body])
    };
    vec![
        refused("tls_of_plain_text", *b"HTTP/1.1 400 Bad Request\r\n\r\nThis server speaks TLS"),
        refused("tls_of_frames", *b"\0\x05hello"),
        refused("tls_of_noughts", [0; 64]),
        refused("tls_of_all_ones", [0xff; 64]),
        refused("tls_alert_handshake_failure", alert(40)),
        refused("tls_alert_protocol_version", alert(70)),
        refused("tls_alert_internal_error", alert(80)),
        refused("tls_alert_unrecognized_name", alert(112)),
        refused("tls_alert_that_is_none", alert(255)),
        refused("tls_alert_cut_off", [0x15, 3, 3, 0, 1, 2]),
        refused("tls_record_of_an_unknown_type", [0x63, 3, 3, 0, 1, 0]),
        refused("tls_record_too_long", joined(&[&[0x16, 3, 3, 0xff, 0xff], &[0; 1000]])),
        refused("tls_record_of_nothing", [0x16, 3, 3, 0, 0]),
        refused("tls_data_before_the_handshake", *b"\x17\x03\x03\0\x05hello"),
        refused("tls_finished_at_once", [0x16, 3, 3, 0, 4, 20, 0, 0, 0]),
        refused(
            "tls_hello_of_sixteen_megabytes",
            joined(&[&[0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff], &[0; 16_380]]),
        ),
        refused("tls_hello_of_version_1_1", server_hello([3, 2], [0xc0, 0x2f])),
        refused("tls_hello_with_a_suite_nobody_offered", server_hello([3, 3], [0, 5])),
        refused("tls_hello_of_the_client", [0x16, 3, 1, 0, 4, 1, 0, 0, 0]),
    ]
}

fn silences() -> Vec<Behaviour> {
    let new = |name, kind, act: fn(&mut Peer) -> io::Result<()>| {
        Behaviour::new(name, Protocol::Tls, Counted::Connect(kind), NEVER, act)
    };
    vec![
        new("tls_closed", "tls", |peer| {
            hello(peer)?;
            peer.close()
        }),
        new("tls_half_a_hello_and_closed", "tls", |peer| {
            hello(peer)?;
            peer.say(&[0x16, 3, 3, 0, 100, 2, 0])?;
            peer.close()
        }),
        new("tls_reset", "tls", |peer| {
            hello(peer)?;
            peer.reset()
        }),
        new("tls_silence", "connect_timeout", Peer::listen),
        new("tls_half_a_hello_and_silence", "connect_timeout", |peer| {
            hello(peer)?;
            peer.say(&[0x16, 3, 3, 0, 100, 2, 0])?;
            peer.listen()
        }),
    ]
}

fn records() -> Vec<Behaviour> {
    let broken = (Counted::Connection("tls"), BROKEN);
    vec![
        breaks("record_of_garbage", [0xa5; 64]),
        breaks("record_in_plain_text", *b"\0\x05hello"),
        breaks("record_with_no_true_seal", joined(&[b"\x17\x03\x03\0\x40", &[7; 64]])),
        breaks("record_too_long", joined(&[b"\x17\x03\x03\xff\xff", &[7; 64]])),
        breaks("record_too_short_for_a_seal", *b"\x17\x03\x03\0\x03abc"),
        breaks("alert_in_plain_text", [0x15, 3, 3, 0, 2, 2, 20]),
        breaks("handshake_in_plain_text", [0x16, 3, 3, 0, 4, 0, 0, 0, 0]),
        opened("record_twice", broken, |session| {
            let record = session.sealed(b"\0\x02ok")?;
            session.peer.say(&record.repeat(2))
        }),
        opened("record_with_one_bit_turned", broken, |session| {
            let mut record = session.sealed(b"\0\x02ok")?;
            *record.last_mut().expect("a record has bytes") ^= 1;
            session.peer.say(&record)
        }),
        opened("record_left_out", broken, |session| {
            session.sealed(b"\0\x02no")?;
            session.say(b"\0\x02ok")
        }),
        opened_with("hello_request_in_plain_text", &version::TLS12, broken, |session| {
            session.peer.say(&[0x16, 3, 3, 0, 4, 0, 0, 0, 0])
        }),
        opened_with("record_of_garbage_in_1_2", &version::TLS12, broken, |session| {
            session.peer.say(&[0xa5; 64])
        }),
        opened_with("record_with_one_bit_turned_in_1_2", &version::TLS12, broken, |session| {
            let mut record = session.sealed(b"\0\x02ok")?;
            *record.last_mut().expect("a record has bytes") ^= 1;
            session.peer.say(&record)
        }),
        opened("frame_too_long_in_a_record", (Counted::Connection("framing"), BROKEN), |session| {
            session.say(b"\xff\xff")
        }),
    ]
}

fn endings() -> Vec<Behaviour> {
    let gone = Counted::Request("closed");
    vec![
        opened("closed_without_a_notify", (gone, "truncated"), |session| session.peer.close()),
        opened("record_cut_off", (gone, "truncated"), |session| {
            let record = session.sealed(b"\0\x02ok")?;
            session.peer.say(&record[..record.len() / 2])?;
            session.peer.close()
        }),
        opened("record_half_and_reset", (Counted::Request("reset"), "reset"), |session| {
            let record = session.sealed(b"\0\x02ok")?;
            session.peer.say(&record[..record.len() / 2])?;
            session.peer.reset()
        }),
        opened("closed_with_a_notify", (gone, "half_closed"), |session| {
            session.tls.send_close_notify();
            session.say(b"")?;
            session.peer.close()
        }),
        opened("notify_and_garbage", (gone, "half_closed"), |session| {
            session.tls.send_close_notify();
            let notify = session.sealed(b"")?;
            session.peer.say(&joined(&[&notify, &[0xa5; 64]]))?;
            session.peer.close()
        }),
        opened("frame_cut_off_by_a_notify", (Counted::Connection("framing"), "truncated"), |session| {
            session.say(b"\0\x05hal")?;
            session.tls.send_close_notify();
            session.say(b"")?;
            session.peer.close()
        }),
    ]
}

fn right() -> Vec<Behaviour> {
    let answered = (Counted::Answered, LIVES);
    vec![
        opened("records_of_one_byte", answered, |session| {
            b"\0\x05hello".iter().try_for_each(|byte| session.say(&[*byte]))?;
            session.serve()
        }),
        opened("record_byte_by_byte", answered, |session| {
            let record = session.sealed(b"\0\x05hello")?;
            session.peer.trickle(&record, 1)?;
            session.serve()
        }),
        opened("frames_across_records", answered, |session| {
            let frame = joined(&[&1000_u16.to_be_bytes(), &[b'x'; 1000]]);
            let records: Vec<_> =
                frame.chunks(7).map(|piece| session.sealed(piece)).collect::<io::Result<_>>()?;
            session.peer.say(&records.concat())?;
            session.serve()
        }),
        opened("keys_renewed_again_and_again", answered, |session| {
            for _ in 0..20 {
                session.tls.refresh_traffic_keys().map_err(io::Error::other)?;
                session.say(b"")?;
            }
            session.say(b"\0\x05hello")?;
            session.serve()
        }),
        opened_with("records_of_one_byte_in_1_2", &version::TLS12, answered, |session| {
            b"\0\x05hello".iter().try_for_each(|byte| session.say(&[*byte]))?;
            session.serve()
        }),
    ]
}
