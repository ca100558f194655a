use super::*;

const SENT: [&str; 6] =
    ["EchoRequest", "LoginReuest", "MoveRequest", "BattleMoveRequest", "Ping", "ChatRequest"];
const RECEIVED: [&str; 7] =
    ["EchoResponse", "LoginRespone", "MoveResponse", "BattleMoveResponse", "MoveDone", "Pong", "Moved"];

fn vocabulary() -> Vocabulary<'static> {
    let numbered = |first: u32, names: &'static [&'static str]| {
        names.iter().enumerate().map(|(index, name)| (MessageId(first + index as u32), *name)).collect()
    };
    let count = SENT.len() + RECEIVED.len();
    Vocabulary { count, sent: numbered(0, &SENT), received: numbered(SENT.len() as u32, &RECEIVED) }
}

fn resolve(pairs: &[(&str, &str)]) -> Result<NamePatterns, PatternError> {
    let pairs: Vec<_> =
        pairs.iter().map(|(request, reply)| ((*request).to_owned(), (*reply).to_owned())).collect();
    NamePatterns::resolve(&pairs, &vocabulary())
}

#[track_caller]
fn check(patterns: &NamePatterns, request: &str, reply: Option<&str>) {
    let index = SENT.iter().position(|name| *name == request).unwrap();
    let found = patterns.reply_to(MessageId(index as u32));
    assert_eq!(found.map(|id| RECEIVED[id.0 as usize - SENT.len()]), reply, "{request}");
    if let Some(found) = found {
        assert!(patterns.is_reply(found));
    }
}

#[test]
fn a_star_stands_for_the_same_in_both_names() {
    let patterns = resolve(&[("*Request", "*Response"), ("LoginReuest", "LoginRespone")]).unwrap();
    check(&patterns, "EchoRequest", Some("EchoResponse"));
    check(&patterns, "LoginReuest", Some("LoginRespone"));
    check(&patterns, "BattleMoveRequest", Some("BattleMoveResponse"));
    check(&patterns, "Ping", None);
    check(&patterns, "ChatRequest", None);
    assert!(!patterns.is_reply(MessageId(SENT.len() as u32 + 4)), "nothing is answered by MoveDone");
    assert!(!patterns.is_reply(MessageId(99)));
}

#[test]
fn the_longest_pattern_wins_and_an_exact_name_beats_it() {
    let patterns = resolve(&[("*Request", "*Response"), ("*MoveRequest", "MoveDone")]).unwrap();
    check(&patterns, "MoveRequest", Some("MoveDone"));
    check(&patterns, "BattleMoveRequest", Some("MoveDone"));
    check(&patterns, "EchoRequest", Some("EchoResponse"));
    let patterns = resolve(&[("*MoveRequest", "MoveDone"), ("MoveRequest", "Moved")]).unwrap();
    check(&patterns, "MoveRequest", Some("Moved"));
    check(&patterns, "BattleMoveRequest", Some("MoveDone"));
}

#[test]
fn of_equally_long_patterns_the_first_wins() {
    let patterns =
        resolve(&[("MoveReq*", "MoveDone"), ("*Request", "*Response"), ("MoveRequ*", "Moved")]).unwrap();
    check(&patterns, "MoveRequest", Some("Moved"));
    let patterns = resolve(&[("*Request", "*Response"), ("MoveReq*", "MoveDone")]).unwrap();
    check(&patterns, "MoveRequest", Some("MoveResponse"));
}

#[test]
fn wrong_pairs_say_what_is_wrong() {
    let fails = |request: &str, reply: &str| resolve(&[(request, reply)]).unwrap_err();
    assert!(matches!(fails("*R*", "Pong"), PatternError::ManyStars { pattern } if pattern == "*R*"));
    assert!(matches!(fails("Ping", "P*"), PatternError::StarOnlyInReply { .. }));
    assert!(matches!(fails("*Reqest", "*Response"), PatternError::NoPair { .. }));
    assert!(matches!(fails("*Request", "*Respons"), PatternError::NoPair { .. }));
    match fails("Pimg", "Pong") {
        PatternError::UnknownRequest { name, candidates } => {
            assert_eq!((name.as_str(), candidates), ("Pimg", SENT.map(str::to_owned).to_vec()));
        }
        other => panic!("{other}"),
    }
    match fails("Ping", "Pomg") {
        PatternError::UnknownReply { name, candidates } => {
            assert_eq!((name.as_str(), candidates), ("Pomg", RECEIVED.map(str::to_owned).to_vec()));
        }
        other => panic!("{other}"),
    }
    let twice = resolve(&[("Ping", "Pong"), ("Ping", "Moved")]).unwrap_err();
    assert_eq!(twice, PatternError::Twice { request: "Ping".to_owned() });
}

#[test]
fn a_pattern_that_others_leave_nothing_to_is_no_error() {
    let patterns = resolve(&[("Ec*Request", "Ec*Response"), ("EchoRequest", "EchoResponse")]).unwrap();
    check(&patterns, "EchoRequest", Some("EchoResponse"));
}
