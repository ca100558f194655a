//! JSON and MessagePack: any bytes are a document or an error, whoever builds it is asked for no more than there are bytes, and
//! no deeper than the limit. The head that is read alone says what the whole document says.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use throng_wire::codec::Build;
use throng_wire::{CodecSpec, DocumentForm, DocumentSpec, HeadKind, Protocol, ProtocolSpec};

static JSON: LazyLock<Protocol> = LazyLock::new(|| protocol(DocumentForm::Json));
static MSGPACK: LazyLock<Protocol> = LazyLock::new(|| protocol(DocumentForm::Msgpack));

fn protocol(form: DocumentForm) -> Protocol {
    let key = |key: &str| Some(key.to_owned());
    let spec = DocumentSpec { form, name: key("n"), session: key("s"), body: key("b") };
    let mut spec = ProtocolSpec::new("fuzz", CodecSpec::Document(spec));
    spec.limits.depth = Some(3);
    // The names of servers would fill their table.
    spec.ids = Some(vec![("one".to_owned(), 1), ("two".to_owned(), 2)]);
    Protocol::build(spec).expect("a protocol")
}

/// Builds nothing and looks at what it is told.
#[derive(Default)]
struct Witness {
    values: usize,
    text: usize,
    /// Values on the stack: the finished ones, and lists and maps that are open.
    finished: usize,
}

impl Witness {
    fn value(&mut self) -> Result<(), &'static str> {
        self.values += 1;
        self.finished += 1;
        Ok(())
    }
}

impl Build for Witness {
    fn null(&mut self) -> Result<(), &'static str> {
        self.value()
    }

    fn boolean(&mut self, _: bool) -> Result<(), &'static str> {
        self.value()
    }

    fn integer(&mut self, _: i64) -> Result<(), &'static str> {
        self.value()
    }

    fn number(&mut self, _: f64) -> Result<(), &'static str> {
        self.value()
    }

    fn text(&mut self, value: &[u8]) -> Result<(), &'static str> {
        self.text += value.len();
        self.value()
    }

    fn open(&mut self) -> Result<(), &'static str> {
        self.value()
    }

    fn element(&mut self, place: i64) -> Result<(), &'static str> {
        assert!(place >= 1 && self.finished >= 2, "an element for an open list");
        self.finished -= 1;
        Ok(())
    }

    fn entry(&mut self) -> Result<(), &'static str> {
        assert!(self.finished >= 3, "a key and a value for an open map");
        self.finished -= 2;
        Ok(())
    }

    fn close_list(&mut self, count: i64) -> Result<(), &'static str> {
        assert!(count >= 0 && self.finished >= 1);
        Ok(())
    }
}

/// Reads the document whole; whether it is one.
fn whole(form: DocumentForm, bytes: &[u8], values_of_a_byte: usize) -> bool {
    let mut witness = Witness::default();
    let read = form.read(bytes, &mut witness).is_ok();
    if read {
        assert_eq!(witness.finished, 1, "one value is left");
    }
    assert!(witness.values <= values_of_a_byte * bytes.len() + 1, "{} values", witness.values);
    assert!(witness.text <= bytes.len() + 9 * witness.values);
    assert_eq!(form.value(bytes).is_ok(), read);
    read
}

/// JSON.
pub fn json(bytes: &[u8]) {
    let read = whole(DocumentForm::Json, bytes, 1);
    let other = serde_json::from_slice::<serde_json::Value>(bytes);
    // Keys of that library's own make something else of its trees.
    let special = bytes.windows(11).any(|word| word == b"$serde_json");
    assert!(bytes.is_empty() || special || read == other.is_ok(), "{read}, but {other:?}");
    if special {
        return;
    }
    let _ = JSON.check_depth(None, None, bytes);
    let mut scratch = Vec::new();
    let Ok(head) = JSON.read(bytes, &mut scratch) else { return };
    let said: serde_json::Result<BTreeMap<String, serde_json::Value>> = serde_json::from_slice(bytes);
    let Ok(said) = said else { return };
    let session = said.get("s").and_then(serde_json::Value::as_i64).filter(|session| *session != 0);
    match head.kind {
        HeadKind::Reply { session: found } => assert_eq!(Some(found), session),
        kind => assert_eq!((kind, session), (HeadKind::Push, None)),
    }
    let body = said.get("b");
    assert_eq!(body.is_some(), !head.body.is_empty());
    if let Some(body) = body {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(head.body).ok().as_ref(), Some(body));
    }
    again(&JSON, head.body);
}

/// MessagePack.
pub fn msgpack(bytes: &[u8]) {
    // An extension of four bytes is a table of two keys and values.
    let read = whole(DocumentForm::Msgpack, bytes, 5);
    let _ = MSGPACK.check_depth(None, None, bytes);
    let mut scratch = Vec::new();
    let Ok(head) = MSGPACK.read(bytes, &mut scratch) else { return };
    if read && !head.body.is_empty() {
        assert!(DocumentForm::Msgpack.value(head.body).is_ok(), "a part of what is right");
        again(&MSGPACK, head.body);
    }
}

/// A body that came is sent, and comes back.
fn again(protocol: &Protocol, body: &[u8]) {
    let message = protocol.message("two").expect("a message");
    let (mut out, mut scratch) = (Vec::new(), Vec::new());
    protocol.write(message, Some(5), body, &mut scratch, &mut out).expect("a body that came can be sent");
    let head = protocol.read(&out, &mut scratch).expect("what was written");
    assert_eq!((head.message, head.body), (Some(message), body));
    assert_eq!(head.kind, HeadKind::Reply { session: 5 });
}
