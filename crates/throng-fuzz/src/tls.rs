//! The client's side of TLS: a server may say anything at any time, and what it said well before may be changed on its way. No
//! more is kept than the limit, and no more plaintext comes out than ciphertext went in.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use throng_wire::tls::LONGEST_TAIL;
use throng_wire::{Tls, TlsConfig, TlsSpec};

use crate::input::{Input, pieces};

/// What is answered to a server, whatever it says, in bytes.
const MOST_ANSWERED: usize = 64 << 10;

/// A client, and a server for each version.
struct Ends {
    client: TlsConfig,
    servers: [Arc<ServerConfig>; 2],
}

static ENDS: LazyLock<Ends> = LazyLock::new(|| {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let spec = TlsSpec { ca: Some(own.cert.pem().into_bytes()), insecure: true, ..TlsSpec::default() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = |versions: &[&'static rustls::SupportedProtocolVersion]| {
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key);
        Arc::new(config.expect("a certificate and its key"))
    };
    let servers = [server(&[&rustls::version::TLS12]), server(&[&rustls::version::TLS13])];
    Ends { client: TlsConfig::build(&spec).expect("a client"), servers }
});

/// A client, what it has to say, and how much it was told.
struct Client {
    tls: Tls,
    out: Vec<u8>,
    given: usize,
    plain: usize,
}

impl Client {
    /// Gives it bytes in pieces; whether it goes on.
    fn give(&mut self, bytes: &[u8], mut size: impl FnMut() -> usize) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(size().min(rest.len()));
            rest = behind;
            self.given += piece.len();
            let plain = &mut self.plain;
            let went_on =
                self.tls.receive(&mut piece.to_vec(), &mut self.out, |record| *plain += record.len()).is_ok();
            assert!(self.tls.kept() <= LONGEST_TAIL);
            assert!(self.plain <= self.given && self.out.len() <= MOST_ANSWERED + self.given);
            if !went_on {
                let before = self.plain;
                let again =
                    self.tls.receive(&mut bytes.to_vec(), &mut self.out, |_| panic!("it failed before"));
                assert!(again.is_ok() && self.plain == before && self.tls.kept() == 0);
                return false;
            }
        }
        true
    }
}

/// A client with a server that the input describes.
pub fn client(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (seed, choices) = (input.byte(), input.byte());
    let mut tls = Tls::client(&ENDS.client, "localhost").expect("a name");
    let mut hello = Vec::new();
    tls.start(&mut hello).expect("random bytes");
    let mut client = Client { tls, out: hello, given: 0, plain: 0 };
    if choices & 1 == 1 && !play(&mut client, usize::from(choices >> 1 & 1), choices >> 2, &mut input, seed) {
        return;
    }
    client.give(input.0, pieces(seed));
    if client.tls.is_open() {
        let mut sealed = Vec::new();
        // After a close the keys may be gone.
        let _ = client.tls.seal(b"hello", &mut sealed);
        client.tls.close(&mut sealed);
    }
}

/// Lets it talk to a true server, of whose bytes up to `faults` are changed. Whether it goes on.
fn play(client: &mut Client, version: usize, faults: u8, input: &mut Input<'_>, seed: u8) -> bool {
    let mut server = ServerConnection::new(Arc::clone(&ENDS.servers[version])).expect("a server");
    let mut faults = faults % 4;
    for round in 0..4 {
        let said = std::mem::take(&mut client.out);
        let mut rest = &said[..];
        while !rest.is_empty() {
            // What it does not like it says with an alert.
            if server.read_tls(&mut rest).is_err() || server.process_new_packets().is_err() {
                break;
            }
        }
        if round > 0 && !server.is_handshaking() {
            // A server that has failed takes nothing.
            let _ = server.writer().write_all(b"welcome");
        }
        let mut answer = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answer).expect("a vector takes all");
        }
        if !answer.is_empty() && faults > 0 {
            faults -= 1;
            let place = usize::from(input.word()) % answer.len();
            answer[place] ^= input.byte();
        }
        if !client.give(&answer, pieces(seed)) {
            return false;
        }
    }
    true
}
