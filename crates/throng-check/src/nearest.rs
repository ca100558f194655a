//! The nearest names to one that does not exist.

/// How many suggestions a reader can use.
const MOST: usize = 3;

/// The candidates that could have been meant, best first; empty when none is near.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let folded = fold(wanted);
    let length = folded.chars().count();
    let limit = length.div_ceil(3).max(1);
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted)
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit && *distance < length.max(candidate.chars().count())
        })
        .collect();
    scored.sort_unstable();
    scored.dedup();
    let best = scored.first().map(|(distance, _)| *distance);
    scored
        .into_iter()
        .take_while(|(d, _)| Some(*d) == best)
        .take(MOST)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Whether two names differ by a slip of the finger: used where only a near certainty may be reported.
pub(crate) fn is_slip(wanted: &str, candidate: &str) -> bool {
    wanted != candidate && wanted.len() >= 6 && distance(wanted, candidate) <= 2
}

/// Whether two names differ by one slip at most, or two in a longer one.
pub(crate) fn is_near_miss(wanted: &str, candidate: &str) -> bool {
    is_slip(wanted, candidate) || (wanted.len() >= 3 && distance(wanted, candidate) == 1)
}

fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

/// Case and underscores are the commonest slips of all.
fn fold(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, candidates: &[&str], expected: &[&str]) {
        assert_eq!(nearest(wanted, candidates.iter().copied()), expected);
    }

    #[test]
    fn the_nearest_name_is_found_whatever_its_case() {
        check("echorequest", &["EchoRequest", "LoginReuest"], &["EchoRequest"]);
        check("LoginRequest", &["EchoRequest", "LoginReuest"], &["LoginReuest"]);
        check("tryrequest", &["try_request", "request"], &["try_request"]);
    }

    #[test]
    fn equally_near_names_are_all_offered() {
        check("ab", &["ac", "ad", "xy"], &["ac", "ad"]);
    }

    #[test]
    fn a_far_name_is_not_offered() {
        check("banana", &["request", "send"], &[]);
        check("x", &["y"], &[]);
    }
}
