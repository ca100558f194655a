//! What one robot keeps between its HTTP requests: cookies, and connections that are still open. No other robot uses them,
//! and they end with it.

use cookie_store::{Cookie, CookieDomain, CookieStore};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::HeaderValue;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// Connections that one robot keeps open beside those in use.
const RESTING: usize = 8;
/// Cookies that one robot keeps; a server that sets ever more gets none of the later ones back.
const COOKIES: usize = 300;
/// Bytes of a cookie with its attributes; a longer one is not kept, as with browsers.
const LONGEST_COOKIE: usize = 4096;

/// One robot as HTTP servers know it.
#[derive(Debug, Default)]
pub(crate) struct Client {
    cookies: Mutex<CookieStore>,
    resting: Mutex<Resting>,
}

#[derive(Debug, Default)]
struct Resting {
    next_id: u64,
    /// The one used last is the last.
    connections: Vec<(Instant, Connection)>,
}

/// An open connection to an origin.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) origin: Box<str>,
    pub(super) sender: SendRequest<Full<Bytes>>,
    /// It has served a request already, so that its server may be about to close it.
    pub(super) used: bool,
}

impl Client {
    /// A number for a new connection.
    pub(super) fn next_id(&self) -> u64 {
        let mut resting = lock(&self.resting);
        resting.next_id += 1;
        resting.next_id
    }

    /// The connection to an origin that was used last, if one is still open.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        let mut resting = lock(&self.resting);
        resting.connections.retain(|(_, connection)| !connection.sender.is_closed());
        let at = resting.connections.iter().rposition(|(_, connection)| *connection.origin == *origin)?;
        Some(resting.connections.remove(at).1)
    }

    /// Keeps a connection for the next request to its origin.
    pub(super) fn rest(&self, connection: Connection) {
        let mut resting = lock(&self.resting);
        resting.connections.push((Instant::now(), Connection { used: true, ..connection }));
        if resting.connections.len() > RESTING {
            resting.connections.remove(0);
        }
    }

    /// Closes a connection that has rested for so long.
    pub(super) fn close_rested(&self, id: u64, rest: Duration) {
        let stays =
            |(since, connection): &(Instant, Connection)| connection.id != id || since.elapsed() < rest;
        lock(&self.resting).connections.retain(stays);
    }

    /// The cookies for an address, as a header.
    pub(super) fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = lock(&self.cookies);
        let pairs: Vec<String> =
            cookies.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| HeaderValue::try_from(pairs.join("; ")).ok()).flatten()
    }

    /// Keeps what a response sets.
    pub(super) fn keep_cookies<'a>(&self, url: &Url, set: impl Iterator<Item = &'a [u8]>) {
        let set = set.filter(|value| value.len() <= LONGEST_COOKIE);
        let set = set.filter_map(|value| Cookie::parse(str::from_utf8(value).ok()?.to_owned(), url).ok());
        let mut cookies = lock(&self.cookies);
        for cookie in set.filter(|cookie| !is_for_everybody(cookie, url)) {
            // One that replaces or removes another is taken all the same.
            if cookies.iter_any().count() < COOKIES || is_known(&cookies, &cookie) {
                // What may not be set from there is none of ours.
                let _ = cookies.insert(cookie, url);
            } else if drop_expired(&mut cookies) {
                let _ = cookies.insert(cookie, url);
            }
        }
    }
}

/// Whether a cookie is for all hosts of a top-level domain, which browsers refuse.
fn is_for_everybody(cookie: &Cookie<'_>, url: &Url) -> bool {
    matches!(&cookie.domain, CookieDomain::Suffix(domain) if !domain.contains('.') && url.host_str() != Some(domain))
}

/// Whether a cookie would take another one's place.
fn is_known(cookies: &CookieStore, cookie: &Cookie<'_>) -> bool {
    let domain = cookie.domain.as_cow();
    domain.is_some_and(|domain| cookies.contains_any(&domain, &cookie.path, cookie.name()))
}

/// Forgets cookies whose time is over; whether there were any.
fn drop_expired(cookies: &mut CookieStore) -> bool {
    let place = |cookie: &Cookie<'_>| {
        let domain = cookie.domain.as_cow()?.into_owned();
        Some((domain, cookie.path.to_string(), cookie.name().to_owned()))
    };
    let expired: Vec<_> = cookies.iter_any().filter(|cookie| cookie.is_expired()).filter_map(place).collect();
    for (domain, path, name) in &expired {
        cookies.remove(domain, path, name);
    }
    !expired.is_empty()
}

/// What is behind these locks is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(client: &Client, url: &str, cookie: &str) {
        client.keep_cookies(&Url::parse(url).unwrap(), std::iter::once(cookie.as_bytes()));
    }

    fn sent(client: &Client, url: &str) -> Option<String> {
        client.cookies(&Url::parse(url).unwrap()).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_go_back_to_where_they_came_from_and_nowhere_else() {
        let client = Client::default();
        set(&client, "http://a.test/login", "session=one; Path=/");
        assert_eq!(sent(&client, "http://a.test/play").as_deref(), Some("session=one"));
        assert_eq!(sent(&client, "http://b.test/play"), None);
        set(&client, "http://a.test/login", "session=; Path=/; Max-Age=0");
        assert_eq!(sent(&client, "http://a.test/play"), None);
    }

    #[test]
    fn a_cookie_may_be_for_hosts_below_but_not_for_all_of_a_top_level_domain() {
        let client = Client::default();
        set(&client, "http://a.game.test/", "all=1; Path=/; Domain=game.test");
        set(&client, "http://a.game.test/", "world=1; Path=/; Domain=test");
        set(&client, "http://localhost/", "own=1; Path=/; Domain=localhost");
        assert_eq!(sent(&client, "http://b.game.test/").as_deref(), Some("all=1"));
        assert_eq!(sent(&client, "http://stranger.test/"), None);
        assert_eq!(sent(&client, "http://localhost/").as_deref(), Some("own=1"));
    }

    #[test]
    fn a_server_cannot_set_cookies_without_end() {
        let client = Client::default();
        for number in 0..COOKIES + 10 {
            set(&client, "http://a.test/", &format!("c{number}=1; Path=/"));
        }
        assert_eq!(lock(&client.cookies).iter_any().count(), COOKIES);
        set(&client, "http://a.test/", "c0=2; Path=/");
        assert!(sent(&client, "http://a.test/").is_some_and(|header| header.contains("c0=2")));
        for number in 0..10 {
            set(&client, "http://a.test/", &format!("c0=1; Path=/{number}"));
        }
        assert_eq!(lock(&client.cookies).iter_any().count(), COOKIES, "the same name at other paths");
    }

    #[test]
    fn a_cookie_of_any_length_is_not_kept() {
        let client = Client::default();
        set(&client, "http://a.test/", &format!("long={}; Path=/", "x".repeat(LONGEST_COOKIE)));
        assert_eq!(sent(&client, "http://a.test/"), None);
    }

    #[test]
    fn cookies_that_are_over_make_room_for_others() {
        let client = Client::default();
        for number in 0..COOKIES + 10 {
            set(&client, "http://a.test/", &format!("c{number}=1; Path=/"));
            set(&client, "http://a.test/", &format!("c{number}=; Path=/; Max-Age=0"));
        }
        set(&client, "http://a.test/", "session=1; Path=/");
        assert_eq!(sent(&client, "http://a.test/").as_deref(), Some("session=1"));
    }

    #[test]
    fn cookies_with_extreme_attributes_harm_nobody() {
        let client = Client::default();
        for attribute in [
            "Max-Age=9223372036854775807",
            "Max-Age=-9223372036854775808",
            "Max-Age=99999999999999999999999999",
            "Expires=Fri, 31 Dec 9999 23:59:59 GMT",
            "Expires=Thu, 01 Jan 0000 00:00:00 GMT",
            "Domain=.",
            "Domain=..",
            "Domain=\u{fc}\u{200d}.test",
            "Domain=xn--a",
            "Path=",
            "Path=\u{0}",
        ] {
            set(&client, "http://a.test/", &format!("c=1; {attribute}"));
            set(&client, "http://[::1]:7/", &format!("c=1; {attribute}"));
            sent(&client, "http://a.test/");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_sets_harms_nobody(cookie in ".{0,60}", name in "[a-z]{1,3}", value in ".{0,20}") {
            let client = Client::default();
            set(&client, "http://a.test/x/y", &cookie);
            set(&client, "http://127.0.0.1/", &format!("{name}={value}; {cookie}"));
            let _ = client.cookies(&Url::parse("http://127.0.0.1/").unwrap());
        }
    }
}
