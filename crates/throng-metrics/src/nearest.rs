//! The name a user most likely meant.

/// The candidate nearest to `word`, if one is near enough to be worth naming.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let scored = candidates.into_iter().map(|candidate| {
        let score = strsim::jaro_winkler(&lower, &candidate.to_lowercase());
        (score, candidate)
    });
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    (best.0 >= 0.75).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let names = ["request", "push", "connect"];
        assert_eq!(nearest("requst", names), Some("request"));
        assert_eq!(nearest("Push", names), Some("push"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("anything", []), None);
    }
}
