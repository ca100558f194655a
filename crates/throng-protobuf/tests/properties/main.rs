//! Generated schemas and values: what is encoded is decoded again, here and by another implementation (prost-reflect), and
//! bytes that were tampered with are judged the same by both.

mod generate;

use generate::Supply;
use proptest::prelude::*;
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use protox::Compiler;
use protox::file::{File, FileResolver};
use throng_protobuf::{
    DecodeError, DecodeErrorKind, MessageId, Schema, SourceFile, Value, decode_value, dump, encode_value,
    json,
};

struct OneFile(String);

impl FileResolver for OneFile {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        File::from_source(name, &self.0)
    }
}

/// A schema for this crate and for the other implementation, and a message of it.
struct Case {
    schema: Schema,
    id: MessageId,
    descriptor: MessageDescriptor,
    value: Value,
}

impl Case {
    fn new(supply: &mut Supply<'_>) -> Case {
        let text = generate::schema(supply);
        let schema = Schema::compile(&[SourceFile { name: "p.proto", text: &text }])
            .unwrap_or_else(|error| panic!("{error} in {text}"));
        let mut compiler = Compiler::with_file_resolver(OneFile(text));
        compiler.open_file("p.proto").unwrap();
        let descriptor = compiler.descriptor_pool().get_message_by_name("p.M0").unwrap();
        let id = schema.message_id("p.M0").unwrap();
        let value = generate::message(&schema, schema.message(id), 3, supply);
        Case { schema, id, descriptor, value }
    }

    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode_value(&self.schema, self.id, &self.value, &mut out).unwrap();
        out
    }
}

/// Entries of maps have no order.
fn sorted(mut value: Value) -> Value {
    match &mut value {
        Value::Message(fields) => {
            for (_, value) in &mut *fields {
                *value = sorted(std::mem::replace(value, Value::Boolean(false)));
            }
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Value::Array(elements) => {
            elements
                .iter_mut()
                .for_each(|value| *value = sorted(std::mem::replace(value, Value::Boolean(false))));
        }
        Value::Map(entries) => {
            for (_, value) in &mut *entries {
                *value = sorted(std::mem::replace(value, Value::Boolean(false)));
            }
            entries.sort_by_key(|(key, _)| key.to_string());
        }
        _ => {}
    }
    value
}

fn supply() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..600)
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_again(bytes in supply()) {
        let case = Case::new(&mut Supply(&bytes));
        prop_assert_eq!(decode_value(&case.schema, case.id, &case.encoded()).unwrap(), case.value);
    }

    #[test]
    fn another_implementation_reads_and_writes_the_same_message(bytes in supply()) {
        let case = Case::new(&mut Supply(&bytes));
        let theirs = DynamicMessage::decode(case.descriptor.clone(), &*case.encoded()).unwrap();
        prop_assert_eq!(theirs.unknown_fields().count(), 0);
        let back = decode_value(&case.schema, case.id, &theirs.encode_to_vec()).unwrap();
        prop_assert_eq!(sorted(back), sorted(case.value));
    }

    #[test]
    fn json_is_read_back_as_the_same_bytes(bytes in supply()) {
        let case = Case::new(&mut Supply(&bytes));
        let value = json::from_json(&case.schema, case.id, &json::to_json(&case.value)).unwrap();
        let mut out = Vec::new();
        encode_value(&case.schema, case.id, &value, &mut out).unwrap();
        let value = decode_value(&case.schema, case.id, &out).unwrap();
        prop_assert_eq!(sorted(value), sorted(case.value));
    }

    #[test]
    fn bytes_that_were_tampered_with_are_judged_as_by_another_implementation(
        bytes in supply(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let case = Case::new(&mut Supply(&bytes));
        let mut message = case.encoded();
        if !message.is_empty() {
            message.truncate(message.len() - cut.index(message.len()) / 8);
            for (index, byte) in changes {
                let index = index.index(message.len());
                message[index] = byte;
            }
        }
        let _ = dump::dump(&case.schema, case.id, &message);
        let ours = decode_value(&case.schema, case.id, &message);
        let theirs = DynamicMessage::decode(case.descriptor.clone(), &*message);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                let theirs = decode_value(&case.schema, case.id, &theirs.encode_to_vec()).unwrap();
                // Printed, as NaNs are not equal to themselves.
                prop_assert_eq!(again(&case, ours), again(&case, theirs));
            }
            (Err(error), Err(_)) => prop_assert!(error.offset <= message.len(), "{error}"),
            // The other one takes a map's field that is no bytes for an unknown field.
            (Err(DecodeError { kind: DecodeErrorKind::WireType { wanted: "a length and bytes", .. }, .. }), Ok(_)) => {}
            (Err(error), Ok(_)) => prop_assert!(false, "only refused here: {error} in {message:02x?}"),
            // Strings are not looked at here.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("UTF-8"), "{error} in {message:02x?}"),
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error_in_them(bytes in supply(), message in supply()) {
        let case = Case::new(&mut Supply(&bytes));
        if let Err(error) = decode_value(&case.schema, case.id, &message) {
            prop_assert!(error.offset <= message.len(), "{error}");
        }
    }
}

/// A decoded message without what is told apart by the wire only: zeros and empty arrays.
fn again(case: &Case, value: Value) -> String {
    let mut out = Vec::new();
    match encode_value(&case.schema, case.id, &value, &mut out) {
        Ok(()) => sorted(decode_value(&case.schema, case.id, &out).unwrap()).to_string(),
        Err(error) => error.to_string(),
    }
}
