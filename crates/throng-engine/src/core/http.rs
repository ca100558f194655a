//! HTTP requests in the books: issued here, made on the shard's HTTP thread, answered here.

use super::operation::OperationKind;
use super::{Core, Ready};
use crate::host::Failure;
use crate::http::{Asked, HTTP, HttpRequest, HttpResponse, Unasked};
use crate::id::{OperationKey, RobotKey};
use crate::net::Net;
use crate::net::http::{HttpAnswer, Job, Spent, Trouble};
use crate::redact::Redaction;
use crate::trace::Trace;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use throng_metrics::{Answer, FailureKind, RequestId, no_sample};
use throng_wire::Nanos;
use tokio::sync::oneshot;

/// The lowest status that says no.
const REFUSALS: u16 = 400;
/// Bytes of a refusal's body that its sample shows.
const SAMPLE: usize = 200;

/// An HTTP request that waits for its response.
#[derive(Debug)]
pub(crate) struct HttpCall {
    books: RequestId,
    name: Box<str>,
    quiet: bool,
    /// When it should have been asked; 0 where no schedule says so.
    intended: Nanos,
    expect: Box<[u16]>,
    /// Dropping it ends the exchange.
    _wanted: oneshot::Sender<Infallible>,
}

impl HttpCall {
    /// Where it is booked.
    pub(crate) fn books(&self) -> RequestId {
        self.books
    }
}

impl Core {
    /// Begins an HTTP request.
    ///
    /// # Errors
    /// The script's mistake, of which nothing is counted; or the address is none, or too many wait: issued and failed in the
    /// books.
    pub(crate) fn http(&mut self, robot: RobotKey, request: &HttpRequest) -> Result<OperationKey, Unasked> {
        let (method, headers) = request.head().map_err(Unasked::Mistake)?;
        let name: Box<str> = request.measured_as().into();
        let books = match request.group {
            None => self.recorder.request(&name, HTTP),
            Some(group) => self.recorder.request_in(self.labels.group_name(group), &name, HTTP),
        };
        self.recorder.issued(books);
        let (wanted, cancelled) = oneshot::channel();
        let call = HttpCall {
            books,
            name,
            quiet: request.quiet,
            intended: std::mem::take(&mut self.intended),
            expect: request.expect.clone().into(),
            _wanted: wanted,
        };
        let url = match request.address() {
            Ok(url) => url,
            Err(text) => {
                let trouble = Trouble::new(FailureKind::Unreachable, text);
                return Err(Unasked::Failed(self.http_failed(robot, &call, &trouble, Duration::ZERO)));
            }
        };
        let asked = Asked {
            method,
            url,
            headers,
            body: request.body.clone().into(),
            timeout: request.timeout.unwrap_or(self.settings.http.timeout),
            redirects: request.redirects,
            cookies: request.cookies,
        };
        self.recorder.message_sent();
        let size = asked.body.len();
        self.trace(robot, |_| Trace::HttpAsked { name: &call.name, url: request.shown(), size });
        let client = self.robots.get_mut(robot).map(|slot| slot.http.get_or_insert_default().clone());
        let now = self.now();
        let key = self.operate(robot, None, OperationKind::Http(Box::new(call)), now);
        let job = Job { key, client: client.unwrap_or_default(), asked, cancelled };
        let timeout = job.asked.timeout;
        match self.net.ask_http(job, &self.settings) {
            Ok(()) => {
                // On sockets the time begins with the exchange, on its own thread; here nothing waits for a turn.
                if let Net::Memory(_) = self.net {
                    self.time_operation(key, now, timeout);
                }
                Ok(key)
            }
            Err(trouble) => {
                let removed = self.remove_operation(key);
                let Some(OperationKind::Http(call)) = removed.map(|removed| removed.kind) else {
                    return Ok(key);
                };
                Err(Unasked::Failed(self.http_failed(robot, &call, &trouble, Duration::ZERO)))
            }
        }
    }

    /// The HTTP thread has answered; nobody waits for what was cancelled.
    pub(crate) fn http_answered(&mut self, answer: HttpAnswer) {
        let now = self.now();
        let Some(slot) = self.operations.get_mut(answer.key) else { return };
        let robot = slot.robot;
        let observed = Duration::from_nanos(now.saturating_sub(slot.begun));
        let OperationKind::Http(call) = std::mem::replace(&mut slot.kind, OperationKind::Settled) else {
            return;
        };
        match answer.outcome {
            Err(trouble) => {
                let failure = self.http_failed(robot, &call, &trouble, observed);
                self.settle(answer.key, Ready::Failed(Box::new(failure)));
            }
            Ok(response) => {
                self.recorder.message_received();
                self.book_response(&call, &response, answer.spent, observed);
                let (status, size, took) = (response.status, response.body.len(), answer.spent.exchanging);
                self.trace(robot, |_| Trace::HttpAnswered { name: &call.name, status, size, took });
                self.settle(answer.key, Ready::Responded(Box::new(response)));
            }
        }
    }

    /// The latency of a refusal counts, but it is a failure, unless the script says that it expects it.
    fn book_response(&mut self, call: &HttpCall, response: &HttpResponse, spent: Spent, observed: Duration) {
        let generator = observed.saturating_sub(spent.exchanging + spent.connecting);
        let answer = Answer {
            latency_us: micros(spent.exchanging),
            intended_us: (call.intended != 0).then(|| self.now().saturating_sub(call.intended) / 1000),
            observed_us: micros(observed),
            generator_us: micros(generator),
        };
        self.recorder.replied(call.books, response.body.len());
        if response.status < REFUSALS || call.expect.contains(&response.status) {
            return self.recorder.answered(call.books, answer);
        }
        if call.quiet {
            self.recorder.answered(call.books, answer);
            self.recorder.answer_refused(call.books);
            return self.recorder.request_failed_quietly(call.books, FailureKind::Rejected);
        }
        let message = format!("status {}", response.status);
        let redaction = &self.settings.http.redaction;
        let shown = || sample(&response.body, redaction);
        self.recorder.rejected(call.books, answer.latency_us, &message, shown);
    }

    fn http_failed(
        &mut self,
        robot: RobotKey,
        call: &HttpCall,
        trouble: &Trouble,
        elapsed: Duration,
    ) -> Failure {
        match call.quiet {
            true => self.recorder.request_failed_quietly(call.books, trouble.kind),
            false => self.recorder.request_failed(call.books, trouble.kind, &trouble.text, no_sample),
        }
        let failure = Failure {
            kind: trouble.kind,
            name: call.name.clone(),
            connection: Some(Arc::from(HTTP)),
            elapsed,
            text: trouble.text.clone(),
            code: None,
        };
        self.trace(robot, |_| Trace::Failed(&failure));
        failure
    }

    /// Nothing answers in a network in memory unless a test does; then time is its own.
    pub(crate) fn http_overdue(&mut self, operation: OperationKey) {
        let now = self.now();
        let Some(slot) = self.operations.get_mut(operation) else { return };
        let (robot, elapsed) = (slot.robot, Duration::from_nanos(now - slot.begun));
        if let OperationKind::Http(call) = std::mem::replace(&mut slot.kind, OperationKind::Settled) {
            let trouble = Trouble::new(FailureKind::Timeout, "no response in time");
            let failure = self.http_failed(robot, &call, &trouble, elapsed);
            self.settle(operation, Ready::Failed(Box::new(failure)));
        }
    }

    /// Books the bytes of HTTP connections.
    pub(crate) fn take_http_traffic(&mut self) {
        let (sent, received) = self.net.take_http_traffic();
        self.recorder.bytes_sent(sent);
        self.recorder.bytes_received(received);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The beginning of a body, for people; none of one that names something secret. What stands far behind is not looked at: a
/// body may be long, and its secrets are not shown.
fn sample(body: &[u8], redaction: &Redaction) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(2 * SAMPLE)]);
    let shown = &text[..text.floor_char_boundary(SAMPLE)];
    (!shown.is_empty() && !redaction.is_named_in(&text)).then(|| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    #[test]
    fn a_sample_is_the_beginning_of_a_body_that_names_no_secret() {
        let shown = |body: &str| sample(body.as_bytes(), &Redaction::default());
        assert_eq!(shown("no such player").as_deref(), Some("no such player"));
        assert_eq!(shown(""), None);
        assert_eq!(shown("{\"access_token\": \"7ab\"}"), None);
        let straddling = format!("{} token", "x".repeat(SAMPLE - 3));
        assert_eq!(shown(&straddling), None, "a name that begins where the sample ends");
        let far = format!("{} token", "x ".repeat(10 * SAMPLE));
        assert_eq!(shown(&far).map(|text| text.len()), Some(SAMPLE), "what is not shown tells nothing");
    }

    #[test]
    fn what_a_project_calls_secret_is_not_shown() {
        let redaction = Redaction::new(vec![Pattern::new("card_*")], vec![Pattern::new("key")]);
        assert_eq!(sample(b"card_number 7", &redaction), None);
        assert_eq!(sample(b"no such key", &redaction).as_deref(), Some("no such key"));
    }
}
