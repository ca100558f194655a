//! What is wrong with a project's settings: each problem with its place, all of them shown at once.

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

/// Where a value came from; a later variant of the first four beats an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nobody set it.
    Default,
    /// These bytes of `throng.toml`.
    File(Range<usize>),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
    /// A line of another file, such as a schema.
    OtherFile(Box<OtherFile>),
}

/// A position in a file other than `throng.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherFile {
    /// The file as the user would name it.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The text of that line.
    pub text: String,
}

impl Place {
    /// How strongly a value from here holds: flag over environment over file over default.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) | Self::OtherFile(_) => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

/// One thing a user has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong, in one line.
    pub title: String,
    /// What stands there.
    pub found: Option<String>,
    /// What may stand there.
    pub wanted: Option<String>,
    /// The known name that is closest to an unknown one.
    pub nearest: Option<String>,
}

impl Problem {
    /// A problem of which only the place and the title are known yet.
    pub fn new(place: Place, title: impl Into<String>) -> Self {
        Self { place, title: title.into(), found: None, wanted: None, nearest: None }
    }

    /// Adds what stands there.
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Adds what may stand there.
    pub fn wanted(mut self, wanted: impl Into<String>) -> Self {
        self.wanted = Some(wanted.into());
        self
    }

    /// Adds the closest known name, if there is one.
    pub fn nearest(mut self, nearest: Option<&str>) -> Self {
        self.nearest = nearest.map(str::to_owned);
        self
    }
}

/// A settings file's name and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceText {
    /// The file as the user would name it.
    pub name: String,
    /// All of its text.
    pub text: String,
}

impl SourceText {
    /// The line of a byte, from 1.
    pub fn line_of(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
    }
}

/// All problems of a project's settings, in the order of their places. The user's input is wrong: exit code 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    source: SourceText,
    problems: Vec<Problem>,
}

impl ConfigErrors {
    /// Orders the problems as the file has them; those of flags and variables come last.
    pub fn new(source: SourceText, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match &problem.place {
            Place::File(span) => (0, span.start),
            place => (place.rank().max(1), 0),
        });
        Self { source, problems }
    }

    /// The problems, one for each thing to change.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write_problem(f, &self.source, problem)?;
        }
        if self.problems.len() > 1 {
            writeln!(f, "\n{} errors; nothing was started", self.problems.len())?;
        }
        Ok(())
    }
}

fn write_problem(f: &mut fmt::Formatter<'_>, source: &SourceText, problem: &Problem) -> fmt::Result {
    writeln!(f, "error: {}", problem.title)?;
    let mut found = problem.found.as_deref();
    let margin = match &problem.place {
        Place::File(span) => write_excerpt(f, &source.name, &Excerpt::of(&source.text, span), found.take())?,
        Place::OtherFile(other) => write_excerpt(f, &other.name, &Excerpt::of_line(other), found.take())?,
        Place::Flag(name) => write_origin(f, "flag", name)?,
        Place::Variable(name) => write_origin(f, "environment", name)?,
        Place::Default if source.name.is_empty() => 2,
        Place::Default => write_origin(f, "", &source.name)?,
    };
    let notes = [("found: ", found), ("wanted: ", problem.wanted.as_deref())];
    for (label, text) in notes.iter().filter_map(|(label, text)| text.map(|text| (label, text))) {
        writeln!(f, "{:margin$} = {label}{text}", "")?;
    }
    if let Some(nearest) = &problem.nearest {
        writeln!(f, "{:margin$} = did you mean `{nearest}`?", "")?;
    }
    Ok(())
}

fn write_origin(f: &mut fmt::Formatter<'_>, kind: &str, name: &str) -> Result<usize, fmt::Error> {
    let space = if kind.is_empty() { "" } else { " " };
    writeln!(f, "  --> {kind}{space}{name}")?;
    Ok(2)
}

/// The first line of what is wrong, and where in it to point.
struct Excerpt {
    line: usize,
    column: usize,
    text: String,
    indent: usize,
    width: usize,
}

impl Excerpt {
    fn of(text: &str, span: &Range<usize>) -> Self {
        let start = floor_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, span.end).clamp(start, line_end.max(start));
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: shown(&text[line_start..line_end]),
            indent: shown(&text[line_start..start]).width(),
            width: shown(&text[start..end]).width().max(1),
        }
    }

    fn of_line(other: &OtherFile) -> Self {
        let before: String = other.text.chars().take(other.column.saturating_sub(1)).collect();
        Self {
            line: other.line,
            column: other.column,
            text: shown(&other.text),
            indent: shown(&before).width(),
            width: 1,
        }
    }
}

/// Writes position, source line and marker; returns the width of the margin.
fn write_excerpt(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    excerpt: &Excerpt,
    found: Option<&str>,
) -> Result<usize, fmt::Error> {
    let Excerpt { line, column, text, indent, width } = excerpt;
    let margin = line.to_string().len() + 1;
    writeln!(f, "{:>margin$}--> {name}:{line}:{column}", "")?;
    writeln!(f, "{:margin$} |", "")?;
    writeln!(f, " {line} | {text}")?;
    let marker = format!("{:margin$} | {:indent$}{:^<width$} {}", "", "", "", found.unwrap_or_default());
    writeln!(f, "{}", marker.trim_end())?;
    writeln!(f, "{:margin$} |", "")?;
    Ok(margin)
}

/// A line as it is printed: tabs have one width, and control characters cannot play with the terminal.
fn shown(text: &str) -> String {
    text.trim_end_matches('\r')
        .chars()
        .flat_map(|c| match c {
            '\t' => "    ".chars().collect::<Vec<_>>(),
            c if c.is_control() => vec!['\u{fffd}'],
            c => vec![c],
        })
        .collect()
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_error(text: &str, span: Range<usize>) -> String {
        let source = SourceText { name: "throng.toml".to_owned(), text: text.to_owned() };
        let problem =
            Problem::new(Place::File(span), "no").found("this").wanted("that").nearest(Some("thus"));
        ConfigErrors::new(source, vec![problem]).to_string()
    }

    #[test]
    fn a_problem_shows_position_line_marker_and_notes() {
        let expected = "\
error: no
  --> throng.toml:2:5
   |
 2 | b = 22
   |     ^^ this
   |
   = wanted: that
   = did you mean `thus`?
";
        assert_eq!(shown_error("a = 1\nb = 22\n", 10..12), expected);
    }

    #[test]
    fn the_marker_stands_below_wide_characters_and_tabs() {
        let text = shown_error("\"名字\" =\t7", 11..12);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "  --> throng.toml:1:8");
        assert_eq!(lines[3], " 1 | \"名字\" =    7");
        assert_eq!(lines[4], "   |             ^ this");
    }

    #[test]
    fn spans_outside_the_text_are_still_shown() {
        assert!(shown_error("a", 50..60).contains("throng.toml:1:2"));
        assert!(shown_error("", 0..0).contains("throng.toml:1:1"));
        assert!(shown_error("é", 1..9).contains("throng.toml:1:1"));
    }

    #[test]
    fn problems_are_ordered_by_their_place() {
        let at = |place, title: &str| Problem::new(place, title);
        let errors = ConfigErrors::new(
            SourceText::default(),
            vec![
                at(Place::Flag("--robots".to_owned()), "flag"),
                at(Place::File(9..9), "second"),
                at(Place::File(2..3), "first"),
            ],
        );
        let titles: Vec<&str> = errors.problems().iter().map(|p| p.title.as_str()).collect();
        assert_eq!(titles, ["first", "second", "flag"]);
    }
}
