//! Finding messages and enums by what users call them.

use super::{EnumId, MessageId, NameError, Schema};

/// The most names an error lists.
const LISTED: usize = 6;

impl Schema {
    /// The message a user means by `name`: its full name or, where that is unique, the end of it (`Login`, `game.Login`).
    ///
    /// # Errors
    /// No message is called so, or several are.
    pub fn find_message(&self, name: &str) -> Result<MessageId, NameError> {
        find(name, "message", self.messages.iter().map(|message| &*message.name))
            .map(|index| MessageId(index as u32))
    }

    /// The enum a user means by `name`, as [`find_message`](Schema::find_message) does.
    ///
    /// # Errors
    /// No enum is called so, or several are.
    pub fn find_enum(&self, name: &str) -> Result<EnumId, NameError> {
        find(name, "enum", self.enums.iter().map(|each| &*each.name)).map(|index| EnumId(index as u32))
    }
}

fn find<'n>(
    name: &str,
    what: &'static str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Result<usize, NameError> {
    let name = name.trim_start_matches('.');
    if let Some(index) = names.clone().position(|each| each == name) {
        return Ok(index);
    }
    let called = names.clone().enumerate().filter(|(_, each)| is_called(each, name));
    match (called.clone().count(), called.clone().next()) {
        (1, Some((index, _))) => Ok(index),
        (0, _) | (_, None) => Err(NameError::NotFound {
            what,
            name: name.into(),
            nearest: nearest_by_end(name, names).map(Into::into),
        }),
        _ => Err(NameError::Ambiguous {
            what,
            name: name.into(),
            candidates: called.take(LISTED).map(|(_, each)| each.into()).collect(),
        }),
    }
}

/// Whether `full` is `name` or ends with `.name`.
pub(super) fn is_called(full: &str, name: &str) -> bool {
    match full.strip_suffix(name) {
        Some(before) => !name.is_empty() && (before.is_empty() || before.ends_with('.')),
        None => false,
    }
}

/// The most similar of `names`, if it is similar at all.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    best(names.map(|each| (strsim::jaro_winkler(name, each), each)))
}

/// The most similar name, compared by as many of its last parts as `name` has.
fn nearest_by_end<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let parts = name.split('.').count();
    best(names.map(|each| {
        let end = each.rmatch_indices('.').nth(parts - 1).map_or(each, |(dot, _)| &each[dot + 1..]);
        (strsim::jaro_winkler(name, end), each)
    }))
}

fn best<'n>(rated: impl Iterator<Item = (f64, &'n str)>) -> Option<&'n str> {
    rated.filter(|(rate, _)| *rate > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}
