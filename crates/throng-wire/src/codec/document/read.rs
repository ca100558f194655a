//! Documents read whole: whoever wants one builds it.

mod json;
mod msgpack;
mod tree;

use throng_sproto::Value;

use super::{DocumentError, DocumentForm};

/// How deep what comes may nest.
const DEPTH: usize = 128;

/// Builds what a reader finds. A value is finished, and then put into the list or map that is open.
///
/// Each method may refuse, in words; then nothing more is called.
#[expect(clippy::missing_errors_doc, reason = "said of all of them above")]
pub trait Build {
    /// Nothing.
    fn null(&mut self) -> Result<(), &'static str>;
    /// True or false.
    fn boolean(&mut self, value: bool) -> Result<(), &'static str>;
    /// A whole number.
    fn integer(&mut self, value: i64) -> Result<(), &'static str>;
    /// A number with a fraction, or one beyond 64 bits with a sign.
    fn number(&mut self, value: f64) -> Result<(), &'static str>;
    /// A string, of any bytes.
    fn text(&mut self, value: &[u8]) -> Result<(), &'static str>;
    /// Opens a list or a map.
    fn open(&mut self) -> Result<(), &'static str>;
    /// Puts the finished value at a place of the open list, from 1 on.
    fn element(&mut self, place: i64) -> Result<(), &'static str>;
    /// Puts the finished key and value into the open map.
    fn entry(&mut self) -> Result<(), &'static str>;
    /// Ends the open list, which has become a finished value.
    fn close_list(&mut self, count: i64) -> Result<(), &'static str>;
}

impl DocumentForm {
    /// Reads a whole document; nothing at all is null. Of two equal keys the later comes later.
    ///
    /// # Errors
    /// Bytes that are no document, that nest too deeply, or that `build` refuses.
    pub fn read(self, document: &[u8], build: &mut impl Build) -> Result<(), DocumentError> {
        let built = match self {
            _ if document.is_empty() => build.null().map_err(str::to_owned),
            DocumentForm::Json => json::build(document, build),
            DocumentForm::Msgpack => msgpack::build(document, build),
        };
        built.map_err(|reason| self.error(reason))
    }

    /// Whether no more lists and maps than `depth` lie in each other in a document. Of bytes that are none, what comes before the
    /// fault counts.
    pub(crate) fn nests_within(self, document: &[u8], depth: u32) -> bool {
        match self {
            DocumentForm::Json => json::nests_within(document, depth),
            DocumentForm::Msgpack => msgpack::nests_within(document, depth),
        }
    }

    /// A whole document as a value for people: null is the text `null`.
    ///
    /// # Errors
    /// Bytes that are no document, or that nest too deeply.
    pub fn value(self, document: &[u8]) -> Result<Value, DocumentError> {
        let mut tree = tree::Tree::default();
        self.read(document, &mut tree)?;
        Ok(tree.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_shown_as_it_is() {
        let json = DocumentForm::Json.value(br#"{"a":[1,2.5,null,[]],"b":"x"}"#).unwrap();
        let msgpack = b"\x82\xa1a\x94\x01\xcb\x40\x04\0\0\0\0\0\0\xc0\x90\xa1b\xa1x";
        assert_eq!(DocumentForm::Msgpack.value(msgpack).unwrap(), json);
        assert_eq!(json.to_string(), r#"{a = [1, 2.5, "null", []], b = "x"}"#);
        let keys = DocumentForm::Msgpack.value(b"\x81\x07\x01").unwrap();
        assert!(matches!(keys, Value::Map(_)), "{keys}");
        assert!(DocumentForm::Json.value(b"{").is_err());
    }
}
