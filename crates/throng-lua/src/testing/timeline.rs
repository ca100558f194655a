//! What robots did last, kept for a failed test's report.

use super::TestEvent;
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use throng_engine::redact::{REDACTED, Redaction};
use throng_engine::{Failure, Message, RobotId, TakenAs, Trace, Tracer, units};
use throng_sproto::Value;
use throng_wire::{Codec, Direction, Nanos};

/// Events that are kept.
const KEPT: usize = 10;
/// The longest text or bytes that are shown, in bytes.
const LONGEST: usize = 120;
/// How many fields or elements of a value are shown.
const FIELDS: usize = 12;

/// The last events, and whose start has failed.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    events: VecDeque<TestEvent>,
    start_failed: HashSet<RobotId>,
    redaction: Redaction,
}

/// Writes what the engine tells into a timeline.
pub(super) struct Writer(pub(super) Rc<RefCell<Timeline>>);

impl Tracer for Writer {
    fn trace(&mut self, now: Nanos, robot: RobotId, event: &Trace<'_>) {
        self.0.borrow_mut().add(now, robot, event);
    }
}

impl Timeline {
    /// Which fields' values are not shown.
    pub(super) fn set_redaction(&mut self, redaction: &Redaction) {
        self.redaction = redaction.clone();
    }

    pub(super) fn events(&self) -> Vec<TestEvent> {
        self.events.iter().cloned().collect()
    }

    /// Whether the last start of a robot ended with an error.
    pub(super) fn start_failed(&self, robot: RobotId) -> bool {
        self.start_failed.contains(&robot)
    }

    pub(super) fn starts_failed(&self) -> u64 {
        self.start_failed.len() as u64
    }

    fn add(&mut self, now: Nanos, robot: RobotId, event: &Trace<'_>) {
        match event {
            Trace::Began { routine } if routine.ends_with(".start") => drop(self.start_failed.remove(&robot)),
            Trace::Ended { routine, error: Some(_), .. } if routine.ends_with(".start") => {
                self.start_failed.insert(robot);
            }
            _ => {}
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        let text = self.text(event);
        self.events.push_back(TestEvent { at: Duration::from_nanos(now), robot, text });
    }

    fn text(&self, event: &Trace<'_>) -> String {
        match event {
            Trace::Dialling { connection, url } => format!("{connection}: connects to {url}"),
            Trace::Opened { connection, .. } => format!("{connection}: open"),
            Trace::Closed(why) if why.text.is_empty() => {
                format!("{}: {}", why.connection, why.cause.phrase())
            }
            Trace::Closed(why) => format!("{}: {}: {}", why.connection, why.cause.phrase(), why.text),
            Trace::Sent(message) => {
                format!("{} -> {}{}", message.connection, message.name, self.body(message, Direction::Sent))
            }
            Trace::Received { message, taken_as } => {
                let body = self.body(message, Direction::Received);
                format!("{} <- {}{body} ({})", message.connection, name_of(message), taken_for(*taken_as))
            }
            Trace::Streamed { connection, outward, bytes } => {
                format!("{connection} {} {}", if *outward { "->" } else { "<-" }, quoted(bytes))
            }
            Trace::HttpAsked { name, url, .. } => format!("http -> {name} ({url})"),
            Trace::HttpAnswered { name, status, .. } => format!("http <- {status} ({name})"),
            Trace::Began { routine } => format!("{routine} begins"),
            Trace::Ended { routine, error: None, took } => {
                format!("{routine} ends after {}", units::display(*took))
            }
            Trace::Ended { routine, error: Some(error), .. } => format!("{routine} fails: {error}"),
            Trace::Failed(failure) => failure_text(failure),
            Trace::Error { message, .. } => format!("script error: {message}"),
            Trace::Logged { module, text } => format!("{module} says {text}"),
        }
    }

    /// A message's fields.
    fn body(&self, message: &Message<'_>, direction: Direction) -> String {
        if let Codec::Raw(_) | Codec::Own(_) = message.protocol.codec {
            return format!(" {}", quoted(message.body));
        }
        let seen = message.protocol.body_seen(direction, (message.message, message.request), message.body);
        match seen {
            None => String::new(),
            Some(Ok(value)) => {
                let mut out = " ".to_owned();
                self.write(&value, &mut out);
                out
            }
            Some(Err(error)) => format!(" ({} bytes: {error})", message.body.len()),
        }
    }

    fn write(&self, value: &Value, out: &mut String) {
        match value {
            Value::Integer(value) => out.push_str(&value.to_string()),
            Value::Double(value) => out.push_str(&value.to_string()),
            Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::String(bytes) | Value::Binary(bytes) => out.push_str(&quoted(bytes)),
            Value::Struct(fields) => {
                let entries = fields.iter().map(|(name, value)| {
                    (format!("{name} = "), (!self.redaction.is_secret(name)).then_some(value))
                });
                self.write_entries(entries, out);
            }
            Value::Array(elements) => {
                self.write_entries(elements.iter().map(|value| (String::new(), Some(value))), out);
            }
            Value::Map(entries) => {
                let entry = |(key, value)| {
                    let mut name = "[".to_owned();
                    self.write(key, &mut name);
                    name.push_str("] = ");
                    (name, Some(value))
                };
                self.write_entries(entries.iter().map(|(key, value)| entry((key, value))), out);
            }
        }
    }

    fn write_entries<'v>(
        &self,
        entries: impl ExactSizeIterator<Item = (String, Option<&'v Value>)>,
        out: &mut String,
    ) {
        if entries.len() == 0 {
            return out.push_str("{}");
        }
        for (index, (name, value)) in entries.enumerate() {
            out.push_str(if index == 0 { "{ " } else { ", " });
            if index == FIELDS {
                out.push_str("...");
                break;
            }
            out.push_str(&name);
            match value {
                Some(value) => self.write(value, out),
                None => out.push_str(REDACTED),
            }
        }
        out.push_str(" }");
    }
}

/// `timeout of EchoRequest: no reply in time`.
fn failure_text(failure: &Failure) -> String {
    let phrase = failure.kind.phrase();
    let more = if failure.text.is_empty() || *failure.text == *phrase {
        String::new()
    } else {
        format!(": {}", failure.text)
    };
    format!("{} of {}: {phrase}{more}", failure.kind, failure.name)
}

/// Replies by session have no name of their own.
fn name_of<'m>(message: &Message<'m>) -> &'m str {
    match (message.name.is_empty(), message.request) {
        (true, Some(request)) => message.protocol.message_name(request),
        _ => message.name,
    }
}

fn taken_for(taken_as: TakenAs) -> String {
    match taken_as {
        TakenAs::Reply(took) => format!("reply after {}", units::display(took)),
        TakenAs::Push => "push".to_owned(),
        TakenAs::Late => "late".to_owned(),
        TakenAs::Duplicate => "duplicate".to_owned(),
        TakenAs::Ambiguous => "ambiguous".to_owned(),
        TakenAs::Orphan => "orphan".to_owned(),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(LONGEST)];
    let text = match std::str::from_utf8(shown) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", shown.escape_ascii()),
    };
    if shown.len() < bytes.len() { format!("{text} ... ({} bytes)", bytes.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_the_schema_s_order_and_secrets_are_not() {
        let timeline = Timeline::default();
        let value = Value::structure([
            ("Text", Value::String(b"a\n".to_vec())),
            ("MyPassword", Value::Integer(5)),
            ("List", Value::Array(vec![Value::Integer(1), Value::Boolean(true)])),
            ("Map", Value::Map(vec![(Value::Integer(7), Value::Struct(Vec::new()))])),
        ]);
        let mut out = String::new();
        timeline.write(&value, &mut out);
        assert_eq!(out, r#"{ Text = "a\n", MyPassword = ***, List = { 1, true }, Map = { [7] = {} } }"#);
    }

    #[test]
    fn only_the_last_events_are_kept() {
        let mut timeline = Timeline::default();
        for index in 0..KEPT + 3 {
            timeline.add(index as Nanos, RobotId(0), &Trace::Began { routine: format!("a.{index}") });
        }
        assert_eq!(timeline.events().len(), KEPT);
        assert_eq!(timeline.events()[0].text, "a.3 begins");
    }
}
