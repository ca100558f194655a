//! Reply rules: how a reply finds its request, and the pattern map of the rule by name.

mod open;

use std::str::FromStr;

use crate::MessageId;
use crate::framing::field::number;
pub(crate) use open::OpenPatterns;

/// How a reply finds its request.
#[derive(Debug, Clone)]
pub enum ReplyRule {
    /// By the session both carry.
    Session,
    /// By the reply's message.
    Name(NamePatterns),
    /// The oldest request gets the next message.
    Fifo,
    /// There are no replies.
    None,
}

impl ReplyRule {
    /// The word that `throng.toml` has for the rule.
    pub fn word(&self) -> &'static str {
        match self {
            ReplyRule::Session => "session",
            ReplyRule::Name(_) => "a pattern map",
            ReplyRule::Fifo => "fifo",
            ReplyRule::None => "none",
        }
    }
}

/// Which message answers which, worked out once for all messages of a protocol.
#[derive(Debug, Clone)]
pub struct NamePatterns(Pairs);

#[derive(Debug, Clone)]
enum Pairs {
    /// All messages are known from the start.
    Known { replies: Vec<Option<MessageId>>, is_reply: Vec<bool> },
    /// Names are learned as they are used.
    Open(Box<OpenPatterns>),
}

/// A comparison with a number, such as `!= 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// How.
    pub operator: Operator,
    /// With what.
    pub value: i64,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A text that is no comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no comparison with a whole number, such as \"== 0\"")]
pub struct ComparisonError;

impl Comparison {
    /// Whether it holds for a number.
    #[inline]
    pub fn holds(&self, value: i64) -> bool {
        match self.operator {
            Operator::Equal => value == self.value,
            Operator::NotEqual => value != self.value,
            Operator::Less => value < self.value,
            Operator::LessOrEqual => value <= self.value,
            Operator::Greater => value > self.value,
            Operator::GreaterOrEqual => value >= self.value,
        }
    }
}

impl FromStr for Comparison {
    type Err = ComparisonError;

    fn from_str(text: &str) -> Result<Comparison, ComparisonError> {
        const OPERATORS: [(&str, Operator); 6] = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let text = text.trim();
        let found = OPERATORS.iter().find_map(|(word, operator)| Some((text.strip_prefix(word)?, *operator)));
        let (value, operator) = found.ok_or(ComparisonError)?;
        Ok(Comparison { operator, value: number(value.trim()).ok_or(ComparisonError)? })
    }
}

/// A pattern map that does not fit its protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A pattern has more than one `*`.
    #[error("`{pattern}` has more than one `*`")]
    ManyStars {
        /// The pattern.
        pattern: String,
    },
    /// The reply has a `*`, and its request has none to take its place from.
    #[error("the reply `{reply}` has a `*`, but its request `{request}` has none")]
    StarOnlyInReply {
        /// The request's pattern.
        request: String,
        /// The reply's pattern.
        reply: String,
    },
    /// The same request stands there twice.
    #[error("`{request}` has two replies")]
    Twice {
        /// The request's pattern.
        request: String,
    },
    /// No message that robots send has the request's name.
    #[error("no message that is sent is called `{name}`")]
    UnknownRequest {
        /// The name.
        name: String,
        /// The names of what is sent.
        candidates: Vec<String>,
    },
    /// No message that robots receive has the reply's name.
    #[error("no message that is received is called `{name}`")]
    UnknownReply {
        /// The name.
        name: String,
        /// The names of what is received.
        candidates: Vec<String>,
    },
    /// A pattern that pairs no two messages.
    #[error("`{request}` = `{reply}` pairs no two messages")]
    NoPair {
        /// The request's pattern.
        request: String,
        /// The reply's pattern.
        reply: String,
    },
}

/// The messages a pattern map is about.
pub(crate) struct Vocabulary<'a> {
    /// How many ids there are.
    pub(crate) count: usize,
    pub(crate) sent: Vec<(MessageId, &'a str)>,
    pub(crate) received: Vec<(MessageId, &'a str)>,
}

impl NamePatterns {
    /// Works out the pairs (request pattern, reply pattern): an exact name beats a pattern, the longest pattern beats the others.
    /// A request whose reply would have a name that does not exist has none.
    pub(crate) fn resolve(
        pairs: &[(String, String)],
        vocabulary: &Vocabulary<'_>,
    ) -> Result<NamePatterns, PatternError> {
        let pairs = pairs.iter().map(|pair| Pair::parse(pair, vocabulary)).collect::<Result<Vec<_>, _>>()?;
        for (index, pair) in pairs.iter().enumerate() {
            if pairs[..index].iter().any(|earlier| earlier.request.text == pair.request.text) {
                return Err(PatternError::Twice { request: pair.request.text.to_owned() });
            }
        }
        let mut replies = vec![None; vocabulary.count];
        let mut is_reply = vec![false; vocabulary.count];
        let mut used = vec![false; pairs.len()];
        for (request, name) in &vocabulary.sent {
            let matching = pairs.iter().enumerate().filter(|(_, pair)| pair.request.captured(name).is_some());
            // Of equals the first in the file wins.
            let Some((index, pair)) = matching.rev().max_by_key(|(_, pair)| pair.request.rank()) else {
                continue;
            };
            let Some(reply) = pair.reply_to(name).and_then(|reply| find(&vocabulary.received, &reply)) else {
                continue;
            };
            used[index] = true;
            replies[request.0 as usize] = Some(reply);
            is_reply[reply.0 as usize] = true;
        }
        match pairs.iter().zip(used).find(|(pair, used)| !used && !pair.pairs_any(vocabulary)) {
            Some((pair, _)) => Err(pair.pairs_nothing()),
            None => Ok(NamePatterns(Pairs::Known { replies, is_reply })),
        }
    }

    /// Patterns over names that are not known yet.
    pub(crate) fn open(patterns: OpenPatterns) -> NamePatterns {
        NamePatterns(Pairs::Open(Box::new(patterns)))
    }

    /// The message that answers `request`.
    #[inline]
    pub fn reply_to(&self, request: MessageId) -> Option<MessageId> {
        match &self.0 {
            Pairs::Known { replies, .. } => replies.get(request.0 as usize).copied().flatten(),
            Pairs::Open(patterns) => patterns.reply_to(request),
        }
    }

    /// Whether `message` answers any request.
    #[inline]
    pub fn is_reply(&self, message: MessageId) -> bool {
        match &self.0 {
            Pairs::Known { is_reply, .. } => is_reply.get(message.0 as usize).copied().unwrap_or_default(),
            Pairs::Open(patterns) => patterns.is_reply(message),
        }
    }
}

struct Pair<'a> {
    request: Pattern<'a>,
    reply: Pattern<'a>,
}

impl<'a> Pair<'a> {
    fn parse(
        (request, reply): &'a (String, String),
        known: &Vocabulary<'_>,
    ) -> Result<Pair<'a>, PatternError> {
        let pair = Pair { request: Pattern::parse(request)?, reply: Pattern::parse(reply)? };
        if pair.reply.is_exact() {
            if find(&known.received, reply).is_none() {
                return Err(PatternError::UnknownReply {
                    name: reply.clone(),
                    candidates: names(&known.received),
                });
            }
        } else if pair.request.is_exact() {
            return Err(PatternError::StarOnlyInReply { request: request.clone(), reply: reply.clone() });
        }
        if pair.request.is_exact() && find(&known.sent, request).is_none() {
            return Err(PatternError::UnknownRequest {
                name: request.clone(),
                candidates: names(&known.sent),
            });
        }
        Ok(pair)
    }

    fn reply_to(&self, name: &str) -> Option<String> {
        let captured = self.request.captured(name)?;
        Some(match self.reply.ends {
            Some((prefix, suffix)) => format!("{prefix}{captured}{suffix}"),
            None => self.reply.text.to_owned(),
        })
    }

    /// Whether the pair would pair anything if no other were there.
    fn pairs_any(&self, known: &Vocabulary<'_>) -> bool {
        let replies = known.sent.iter().filter_map(|(_, name)| self.reply_to(name));
        replies.into_iter().any(|reply| find(&known.received, &reply).is_some())
    }

    fn pairs_nothing(&self) -> PatternError {
        PatternError::NoPair { request: self.request.text.to_owned(), reply: self.reply.text.to_owned() }
    }
}

struct Pattern<'a> {
    text: &'a str,
    /// What stands before and behind the `*`, if there is one.
    ends: Option<(&'a str, &'a str)>,
}

impl<'a> Pattern<'a> {
    fn parse(text: &'a str) -> Result<Pattern<'a>, PatternError> {
        let ends = text.split_once('*');
        if ends.is_some_and(|(_, suffix)| suffix.contains('*')) {
            return Err(PatternError::ManyStars { pattern: text.to_owned() });
        }
        Ok(Pattern { text, ends })
    }

    fn is_exact(&self) -> bool {
        self.ends.is_none()
    }

    /// What stands for the `*` in `name`; empty in an exact match.
    fn captured<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.ends {
            Some((prefix, suffix)) => name.strip_prefix(prefix)?.strip_suffix(suffix),
            None => (name == self.text).then_some(""),
        }
    }

    fn rank(&self) -> (bool, usize) {
        (self.is_exact(), self.text.len())
    }
}

fn find(names: &[(MessageId, &str)], wanted: &str) -> Option<MessageId> {
    names.iter().find(|(_, name)| *name == wanted).map(|(id, _)| *id)
}

fn names(names: &[(MessageId, &str)]) -> Vec<String> {
    names.iter().map(|(_, name)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests;
