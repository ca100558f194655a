//! The timeline of `throng try`: everything a robot does in lines, each message decoded, secrets left out.

mod body;
mod line;

use body::body_text;
use line::{Line, Tone};
use std::path::PathBuf;
use std::time::Duration;
use throng_engine::redact::Redaction;
use throng_engine::{LogLine, Message, RobotId, ScriptError, TakenAs, Trace, Tracer};
use throng_report::text::clean;
use throng_wire::Nanos;

/// Writes what happens, as it happens.
#[derive(Clone)]
pub struct Timeline {
    redaction: Redaction,
    root: PathBuf,
    colours: bool,
    width: usize,
    /// When something last happened.
    last: std::rc::Rc<std::cell::Cell<Nanos>>,
}

impl Timeline {
    /// A timeline for the project in `root`, whose lines are at most `width` cells wide.
    pub fn new(redaction: Redaction, root: PathBuf, colours: bool, width: usize) -> Timeline {
        Timeline { redaction, root, colours, width, last: std::rc::Rc::default() }
    }

    /// When something last happened, in nanoseconds of the run; shared with whoever wants to know.
    pub fn last(&self) -> std::rc::Rc<std::cell::Cell<Nanos>> {
        std::rc::Rc::clone(&self.last)
    }

    /// The event's lines.
    fn lines(&self, event: &Trace<'_>) -> Vec<Line> {
        match event {
            Trace::Dialling { connection, url } => {
                vec![Line::new("·", Tone::Quiet, connection, format!("connecting to {}", clean(url)))]
            }
            Trace::Opened { connection, took } => {
                vec![Line::new("+", Tone::Good, connection, format!("open after {}", time(*took)))]
            }
            Trace::Closed(why) => vec![Line::new("×", Tone::Warn, &why.connection, closed(why))],
            Trace::Sent(message) => vec![self.message("→", Tone::Out, message, None, "")],
            Trace::Received { message, taken_as } => vec![self.received(message, *taken_as)],
            Trace::Streamed { connection, outward, bytes } => {
                let (sign, tone) = if *outward { ("→", Tone::Out) } else { ("←", Tone::In) };
                vec![Line::new(
                    sign,
                    tone,
                    connection,
                    format!("{:>6}  {}", size(bytes.len()), body::raw_text(bytes)),
                )]
            }
            Trace::HttpAsked { name, url, size: bytes } => {
                let text = format!("{}  {:>6}  {}", clean(name), size(*bytes), clean(url));
                vec![Line::new("→", Tone::Out, "http", text)]
            }
            Trace::HttpAnswered { name, status, size: bytes, took } => {
                let tone = if *status < 400 { Tone::In } else { Tone::Warn };
                let text = format!("{}  {:>6}  {status}  (after {})", clean(name), size(*bytes), time(*took));
                vec![Line::new("←", tone, "http", text)]
            }
            Trace::Began { routine } => vec![Line::new("▸", Tone::Work, "", routine.clone())],
            Trace::Ended { routine, took, error: None } => {
                vec![Line::new("◂", Tone::Quiet, "", format!("{routine} done after {}", time(*took)))]
            }
            Trace::Ended { routine, took, error: Some(error) } => {
                vec![Line::new(
                    "✗",
                    Tone::Bad,
                    "",
                    format!("{routine} failed after {}: {}", time(*took), clean(error)),
                )]
            }
            Trace::Failed(failure) => vec![Line::new("✗", Tone::Bad, "", failed(failure))],
            Trace::Error { message, traceback } => self.error(message, traceback),
            Trace::Logged { module, text } => {
                vec![Line::new(
                    "\"",
                    Tone::Quiet,
                    "",
                    format!("{module}{}{}", if module.is_empty() { "" } else { ": " }, clean(text)),
                )]
            }
        }
    }

    fn received(&self, message: &Message<'_>, taken_as: TakenAs) -> Line {
        let (tone, note) = match taken_as {
            TakenAs::Reply(took) => (Tone::In, format!("after {}", time(took))),
            TakenAs::Push => (Tone::Push, "push".to_owned()),
            TakenAs::Late => (Tone::Warn, "late: its request had timed out".to_owned()),
            TakenAs::Duplicate => (Tone::Warn, "a second reply".to_owned()),
            TakenAs::Ambiguous => (Tone::Warn, "ambiguous: it may answer more than one request".to_owned()),
            TakenAs::Orphan => (Tone::Warn, "nobody asked for it".to_owned()),
        };
        self.message("←", tone, message, Some(()), &note)
    }

    fn message(
        &self,
        sign: &'static str,
        tone: Tone,
        message: &Message<'_>,
        came: Option<()>,
        note: &str,
    ) -> Line {
        let fields = body_text(message, came.is_some(), &self.redaction);
        let note = if note.is_empty() { String::new() } else { format!("  ({note})") };
        let text = format!("{}  {:>6}  {fields}{note}", clean(message.name), size(message.size));
        Line::new(sign, tone, message.connection, text)
    }

    /// The error, the line of the script it is about, and where it came from.
    fn error(&self, message: &str, traceback: &str) -> Vec<Line> {
        let mut lines = vec![Line::new("✗", Tone::Bad, "", clean(message).into_owned())];
        if let Some((file, number, source)) = self.source_line(message) {
            lines.push(Line::below(Tone::Bad, format!("{file}:{number} | {}", source.trim())));
        }
        let rest = traceback.lines().skip_while(|line| !line.starts_with([' ', '\t']));
        lines.extend(rest.map(|line| Line::below(Tone::Quiet, clean(line.trim()).into_owned())));
        lines
    }

    /// The line that an error's text begins with the place of.
    fn source_line(&self, message: &str) -> Option<(String, usize, String)> {
        let (file, rest) = message.split_once(':')?;
        let number: usize = rest.split(':').next()?.parse().ok()?;
        let text = std::fs::read_to_string(self.root.join(file)).ok()?;
        Some((file.to_owned(), number, text.lines().nth(number.checked_sub(1)?)?.to_owned()))
    }

    /// Where the robot waits, for when nothing happens.
    pub fn waiting(&self, now: Nanos, places: &[String]) {
        for place in places {
            self.print(now, &Line::new("…", Tone::Quiet, "", format!("waits at {}", clean(place))));
        }
    }

    /// Lines that no robot logged.
    pub fn log(&self, lines: &[LogLine]) {
        for LogLine { at, module, text, .. } in lines {
            for line in self.lines(&Trace::Logged { module, text }) {
                self.print(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX), &line);
            }
        }
    }

    /// An error in a script that was no robot's.
    pub fn script_error(&self, now: Nanos, error: &ScriptError) {
        let ScriptError { message, traceback, .. } = error.clone();
        for line in self.lines(&Trace::Error { message, traceback }) {
            self.print(now, &line);
        }
    }

    fn print(&self, now: Nanos, line: &Line) {
        println!("{}", line.render(Duration::from_nanos(now), self.colours, self.width));
    }
}

impl Tracer for Timeline {
    fn trace(&mut self, now: Nanos, _: RobotId, event: &Trace<'_>) {
        self.last.set(now);
        for line in self.lines(event) {
            self.print(now, &line);
        }
    }
}

fn closed(why: &throng_engine::CloseReason) -> String {
    let text = if why.text.is_empty() { String::new() } else { format!(" ({})", clean(&why.text)) };
    format!("{}{text}", why.cause.phrase())
}

fn failed(failure: &throng_engine::Failure) -> String {
    let connection = failure.connection.as_ref().map_or(String::new(), |name| format!(" on {name}"));
    format!("{}{connection}: {} ({})", clean(&failure.name), clean(&failure.text), failure.kind)
}

fn time(took: Duration) -> String {
    throng_metrics::units::time(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
}

fn size(bytes: usize) -> String {
    format!("{bytes} B")
}
