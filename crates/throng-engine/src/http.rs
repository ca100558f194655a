//! HTTP requests as hosts make them: what is asked, what is answered, and what is wrong with a request before it leaves.

use crate::id::Group;
use crate::net::target::shown;
use crate::redact::Redaction;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use std::time::Duration;
use url::{Url, form_urlencoded};

/// The name under which requests are booked, as if all went over one connection.
pub(crate) const HTTP: &str = "http";

/// What holds for every HTTP request of a run.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Exchanges that one shard has under way at once; more wait, and their waiting is the generator's.
    pub concurrency: usize,
    /// Bytes of a response's body; a longer one fails.
    pub response_limit: usize,
    /// How long a request may take where the script does not say, redirects and connecting included.
    pub timeout: Duration,
    /// Names beside which a response's body is not shown.
    pub redaction: Redaction,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            concurrency: 256,
            response_limit: 8 << 20,
            timeout: Duration::from_secs(10),
            redaction: Redaction::default(),
        }
    }
}

/// An HTTP request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` or any other.
    pub method: Box<str>,
    /// `http://` or `https://`.
    pub url: Box<str>,
    /// What is added to the address's query, in order.
    pub query: Vec<(String, String)>,
    /// Headers beside those that throng sends by itself, or in place of them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// How long it may take; `None` is the setting's.
    pub timeout: Option<Duration>,
    /// What it is measured as; `None` is the method and the path.
    pub name: Option<Box<str>>,
    /// Redirects that are followed; with 0 the redirect itself is the response.
    pub redirects: u32,
    /// Whether the robot's cookies are sent and kept.
    pub cookies: bool,
    /// A failure is expected: told to the script, not counted among the failures by kind.
    pub quiet: bool,
    /// Statuses of 400 and above that are no failure.
    pub expect: Vec<u16>,
    /// The group that it is measured in too.
    pub group: Option<Group>,
}

/// A response, after redirects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Its headers in order, names in small letters; one that came several times is there several times.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The values of a header, whose name is in small letters.
    pub fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }
}

/// What a script got wrong in a request; nothing was done or counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpMistake {
    /// Not a method.
    #[error("`{0}` is no HTTP method; wanted a word such as `GET`")]
    Method(String),
    /// Not a header's name.
    #[error("`{0}` is no name of an HTTP header")]
    HeaderName(String),
    /// A header's value has bytes that no header can have.
    #[error("the header `{0}` has a value with a line end or another control character in it")]
    HeaderValue(String),
    /// A header that follows from the body.
    #[error("the header `{0}` follows from the body; leave it out")]
    OwnHeader(String),
}

/// Why an HTTP request was not begun.
#[derive(Debug)]
pub enum Unasked {
    /// The script's mistake.
    Mistake(HttpMistake),
    /// It failed, and is counted.
    Failed(crate::Failure),
}

/// `a=1&b=2`, as forms are sent.
pub fn form_encoded<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A request taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) redirects: u32,
    pub(crate) cookies: bool,
}

impl HttpRequest {
    /// The method and the headers.
    pub(crate) fn head(&self) -> Result<(Method, HeaderMap), HttpMistake> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| HttpMistake::Method(self.method.to_string()))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let key =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpMistake::HeaderName(name.clone()))?;
            if key == CONTENT_LENGTH || key == TRANSFER_ENCODING {
                return Err(HttpMistake::OwnHeader(name.clone()));
            }
            let value = HeaderValue::from_bytes(value).map_err(|_| HttpMistake::HeaderValue(name.clone()))?;
            headers.append(key, value);
        }
        Ok((method, headers))
    }

    /// The address with its query, or what is wrong with it.
    pub(crate) fn address(&self) -> Result<Url, String> {
        let mut url = Url::parse(&self.url).map_err(|error| {
            format!("`{}` is no address: {error}; wanted `http://host/path`", self.shown())
        })?;
        check_address(&url)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// The address without what may be secret.
    pub(crate) fn shown(&self) -> String {
        shown(&self.url)
    }

    /// What it is measured as.
    pub fn measured_as(&self) -> String {
        let path = || Url::parse(&self.url).map_or_else(|_| self.shown(), |url| url.path().to_owned());
        self.name.as_deref().map_or_else(|| format!("{} {}", self.method, path()), str::to_owned)
    }
}

/// Whether an address can be asked over HTTP.
pub(crate) fn check_address(url: &Url) -> Result<(), String> {
    match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            Err("the address has a user in it; send an `authorization` header instead".to_owned())
        }
        "http" | "https" => Ok(()),
        other => Err(format!("`{other}` is not asked over HTTP; wanted `http` or `https`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str) -> HttpRequest {
        HttpRequest { method: "GET".into(), url: url.into(), ..HttpRequest::default() }
    }

    #[test]
    fn is_measured_by_method_and_path_without_the_query() {
        assert_eq!(get("http://a.test/login?token=1").measured_as(), "GET /login");
        assert_eq!(get("http://a.test").measured_as(), "GET /");
        let named = HttpRequest { name: Some("login".into()), ..get("http://a.test/") };
        assert_eq!(named.measured_as(), "login");
    }

    #[test]
    fn an_address_that_is_none_tells_no_secrets() {
        let request = get("http://ann:pass@a.test:99999/p?token=1");
        assert_eq!(request.measured_as(), "GET http://a.test:99999/p");
        let error = request.address().unwrap_err();
        assert!(error.starts_with("`http://a.test:99999/p` is no address"), "{error}");
    }

    #[test]
    fn a_query_is_added_to_the_one_that_is_there() {
        let request = HttpRequest {
            query: vec![("name".into(), "ann b".into()), ("x".into(), "&".into())],
            ..get("http://a.test/p?v=1#part")
        };
        assert_eq!(request.address().unwrap().as_str(), "http://a.test/p?v=1&name=ann+b&x=%26");
    }

    #[test]
    fn says_what_is_wrong_with_a_request() {
        assert!(get("a.test/login").address().unwrap_err().contains("is no address"));
        assert!(get("ws://a.test/").address().unwrap_err().contains("wanted `http` or `https`"));
        let method = HttpRequest { method: "GE T".into(), ..get("http://a/") };
        assert_eq!(method.head().unwrap_err(), HttpMistake::Method("GE T".into()));
        let with = |name: &str, value: &[u8]| {
            let headers = vec![(name.to_owned(), value.to_vec())];
            HttpRequest { headers, ..get("http://a/") }.head().unwrap_err()
        };
        assert_eq!(with("a b", b""), HttpMistake::HeaderName("a b".into()));
        assert_eq!(with("x", b"1\r\ny: 2"), HttpMistake::HeaderValue("x".into()));
        assert_eq!(with("Content-Length", b"1"), HttpMistake::OwnHeader("Content-Length".into()));
    }

    #[test]
    fn forms_are_encoded_as_forms_are() {
        assert_eq!(form_encoded([("a", "1 2"), ("b", "ü&")]), "a=1+2&b=%C3%BC%26");
    }
}
