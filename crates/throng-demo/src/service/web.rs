//! The web side of a game: a login that hands out a token and a cookie, and a page that wants the cookie.

use serde_json::{Value, json};

use super::{NotUnderstood, Service, Turn};
use crate::kind::ServerKind;

/// One connection to the web server.
pub(crate) struct Web;

/// A request's parts.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    head: &'a str,
    body: &'a str,
}

struct Answer {
    status: &'static str,
    header: String,
    body: Value,
}

impl<'a> Asked<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(message).ok()?.split_once("\r\n\r\n")?;
        let mut words = head.lines().next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        Some(Self { method, path: target.split('?').next()?, head, body })
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .map(|(key, value)| (key, value.trim()))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|it| it.1)
    }

    /// Who logs in: the field `name` of a form or of a JSON object.
    fn name(&self) -> Option<String> {
        if let Ok(Value::Object(fields)) = serde_json::from_str(self.body) {
            return fields.get("name").and_then(Value::as_str).map(str::to_owned);
        }
        let fields = self.body.split('&').filter_map(|field| field.split_once('='));
        fields.filter(|(key, _)| *key == "name").map(|(_, value)| value.to_owned()).next()
    }

    /// Who is logged in.
    fn session(&self) -> Option<&'a str> {
        self.header("cookie")?.split("; ").find_map(|pair| pair.strip_prefix("session="))
    }

    fn answer(&self) -> Answer {
        match (self.method, self.path) {
            ("POST", "/login") => match self.name().filter(|name| !name.is_empty()) {
                Some(name) => Answer {
                    header: format!("set-cookie: session={name}; Path=/\r\n"),
                    ..Answer::of("200 OK", json!({ "name": name, "token": format!("token-of-{name}") }))
                },
                None => Answer::of("400 Bad Request", json!({ "error": "no name" })),
            },
            ("GET", "/profile") => match self.session() {
                Some(name) => Answer::of("200 OK", json!({ "name": name, "level": 7 })),
                None => Answer::of("401 Unauthorized", json!({ "error": "not logged in" })),
            },
            ("GET", "/me") => {
                Answer { header: "location: /profile\r\n".to_owned(), ..Answer::of("302 Found", json!({})) }
            }
            _ => Answer::of("404 Not Found", json!({ "error": "no such page" })),
        }
    }
}

impl Answer {
    fn of(status: &'static str, body: Value) -> Self {
        Self { status, header: String::new(), body }
    }
}

impl Service for Web {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        let asked = Asked::read(message).ok_or(NotUnderstood)?;
        let words = ServerKind::Web.words();
        turn.request = words.request(asked.path.trim_start_matches('/')).unwrap_or(words.requests.len() - 1);
        turn.reply = Some(0);
        let Answer { status, header, body } = asked.answer();
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\n{header}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        turn.body.extend_from_slice(head.as_bytes());
        turn.body.extend_from_slice(body.as_bytes());
        Ok(())
    }

    fn wrap(&mut self, _turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &str) -> String {
        let mut turn = Turn::default();
        Web.answer(request.as_bytes(), &mut turn).unwrap();
        String::from_utf8(turn.body).unwrap()
    }

    #[test]
    fn a_login_by_form_or_json_sets_a_cookie() {
        for body in ["name=ann&x=1", "{\"name\":\"ann\"}"] {
            let answer = answer(&format!("POST /login?v=1 HTTP/1.1\r\nhost: a\r\n\r\n{body}"));
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\nset-cookie: session=ann; Path=/\r\n"), "{answer}");
            assert!(answer.ends_with("{\"name\":\"ann\",\"token\":\"token-of-ann\"}"), "{answer}");
        }
        assert!(answer("POST /login HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
    }

    #[test]
    fn a_profile_wants_the_cookie() {
        let with = answer("GET /profile HTTP/1.1\r\nCookie: a=b; session=ann\r\n\r\n");
        assert!(with.ends_with("{\"name\":\"ann\",\"level\":7}"), "{with}");
        assert!(answer("GET /profile HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401 "));
        assert!(answer("GET /me HTTP/1.1\r\n\r\n").contains("location: /profile\r\n"));
        assert!(answer("GET /none HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    }

    #[test]
    fn what_is_no_request_is_not_understood() {
        assert_eq!(Web.answer(b"hello", &mut Turn::default()), Err(NotUnderstood));
        assert_eq!(Web.answer(b"\xff\r\n\r\n", &mut Turn::default()), Err(NotUnderstood));
    }
}
