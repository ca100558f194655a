//! The nearest of the known names to one that is not known.

/// The candidate a user most likely meant by `name`; none when nothing is close enough to be helpful.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(name);
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two names; a name cut short (`time` for `run_time`) is one edit away.
fn distance(wanted: &str, candidate: &str) -> usize {
    let edits = strsim::damerau_levenshtein(wanted, candidate);
    let cut_short = wanted.len() >= 4 && (candidate.starts_with(wanted) || candidate.ends_with(wanted));
    if cut_short { edits.min(1) } else { edits }
}

/// Case and the choice between `-` and `_` are never what tells two names apart.
fn fold(name: &str) -> String {
    name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(nearest(name, ["robots", "spawn_rate", "run_time", "seed"]), expected, "{name}");
    }

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        check("robot", Some("robots"));
        check("spawn-rate", Some("spawn_rate"));
        check("spwan_rate", Some("spawn_rate"));
        check("runtime", Some("run_time"));
        check("time", Some("run_time"));
        check("SEED", Some("seed"));
    }

    #[test]
    fn a_name_like_none_of_them_finds_nothing() {
        check("arrivals", None);
        check("x", None);
        check("", None);
    }
}
