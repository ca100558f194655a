//! The name that was probably meant.

/// Of `known`, the one nearest to `name`, if any is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = name.chars().count().div_ceil(3).max(1);
    known
        .into_iter()
        .filter(|other| *other != name)
        .map(|other| (strsim::damerau_levenshtein(&lower, &other.to_lowercase()), other))
        .filter(|(distance, other)| {
            *distance <= allowed || other.to_lowercase().contains(&lower) && lower.len() > 2
        })
        .min()
        .map(|(_, other)| other)
}

/// `unknown message 'Loginn'; did you mean 'Login'?`
pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(meant) => format!("unknown {what} '{name}'; did you mean '{meant}'?"),
        None => format!("unknown {what} '{name}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_strangers_are_not() {
        let known = ["LoginRequest", "EchoRequest", "weight", "when"];
        assert_eq!(nearest("LoginReqeust", known), Some("LoginRequest"));
        assert_eq!(nearest("wieght", known), Some("weight"));
        assert_eq!(nearest("Echo", known), Some("EchoRequest"));
        assert_eq!(nearest("zzz", known), None);
    }
}
