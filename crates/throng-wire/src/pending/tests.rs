use proptest::prelude::*;

use super::*;

const TIMEOUT: Duration = Duration::from_nanos(100);
const MOVE: MessageId = MessageId(1);
const CHAT: MessageId = MessageId(2);
const MOVED: ReplyKey = ReplyKey::Name(MessageId(11));
const CHATTED: ReplyKey = ReplyKey::Name(MessageId(12));

/// The next session where its field holds any.
fn next(pending: &mut Pending) -> i64 {
    pending.next_session(|session| Some(ReplyKey::Session(session))).unwrap()
}

fn reply(operation: u64, request: MessageId) -> Match {
    Match::Reply { operation, request }
}

#[test]
fn sessions_find_their_requests_in_any_order() {
    let mut pending = Pending::new();
    let sessions: Vec<i64> = (0..5).map(|_| next(&mut pending)).collect();
    assert_eq!(sessions, [1, 2, 3, 4, 5]);
    for session in &sessions {
        pending.issue(ReplyKey::Session(*session), 100 + *session as u64, MOVE, TIMEOUT);
    }
    for session in [3, 1, 5, 4, 2] {
        assert_eq!(pending.resolve(Some(ReplyKey::Session(session)), 0), reply(100 + session as u64, MOVE));
    }
    assert!(pending.is_empty());
}

#[test]
fn a_session_of_the_scripts_choice_is_not_given_again_while_it_waits() {
    let mut pending = Pending::new();
    pending.issue(ReplyKey::Session(2), 1, MOVE, TIMEOUT);
    assert_eq!([next(&mut pending), next(&mut pending)], [1, 3]);
}

#[test]
fn a_session_whose_number_comes_again_is_not_given_while_it_waits() {
    // A field that holds 1 to 3.
    let narrow = |session: i64| Some(ReplyKey::Session((session - 1) % 3 + 1));
    let mut pending = Pending::new();
    for operation in 1..=3 {
        let session = pending.next_session(narrow).unwrap();
        pending.issue(narrow(session).unwrap(), operation, MOVE, TIMEOUT);
    }
    assert_eq!(pending.next_session(narrow), None, "all wait");
    assert_eq!(pending.resolve(Some(ReplyKey::Session(2)), 0), reply(2, MOVE));
    let session = pending.next_session(narrow).unwrap();
    assert_eq!(narrow(session), Some(ReplyKey::Session(2)), "the one that is free");
}

#[test]
fn a_session_is_late_once_then_a_duplicate() {
    let mut pending = Pending::new();
    pending.issue(ReplyKey::Session(1), 1, MOVE, TIMEOUT);
    assert!(pending.expire(1, 100));
    assert!(!pending.expire(1, 100));
    assert_eq!(pending.resolve(Some(ReplyKey::Session(1)), 500), Match::Late { request: MOVE });
    assert_eq!(pending.resolve(Some(ReplyKey::Session(1)), 500), Match::Duplicate { request: MOVE });
    assert_eq!(pending.resolve(Some(ReplyKey::Session(7)), 500), Match::Orphan);
}

#[test]
fn a_cancelled_session_is_late() {
    let mut pending = Pending::new();
    pending.issue(ReplyKey::Session(1), 1, MOVE, TIMEOUT);
    assert!(pending.cancel(1, 5));
    assert_eq!(pending.resolve(Some(ReplyKey::Session(1)), 6), Match::Late { request: MOVE });
}

#[test]
fn sixty_four_sessions_of_a_kind_are_remembered() {
    let mut pending = Pending::new();
    for session in 0..300 {
        pending.issue(ReplyKey::Session(session), 1, MOVE, TIMEOUT);
        pending.resolve(Some(ReplyKey::Session(session)), 0);
        pending.issue(ReplyKey::Session(-1 - session), 2, CHAT, TIMEOUT);
        pending.expire(2, 100);
    }
    for back in 1..300 {
        let duplicate = if back <= 64 { Match::Duplicate { request: MOVE } } else { Match::Orphan };
        assert_eq!(pending.resolve(Some(ReplyKey::Session(300 - back)), 0), duplicate, "{back}");
    }
    for back in 1..300 {
        let late = if back <= 64 { Match::Late { request: CHAT } } else { Match::Orphan };
        assert_eq!(pending.resolve(Some(ReplyKey::Session(back - 301)), 0), late, "{back}");
    }
}

#[test]
fn a_name_goes_to_its_oldest_request() {
    let mut pending = Pending::new();
    pending.issue(MOVED, 1, MOVE, TIMEOUT);
    pending.issue(CHATTED, 2, CHAT, TIMEOUT);
    pending.issue(MOVED, 3, MOVE, TIMEOUT);
    assert_eq!(pending.resolve(Some(CHATTED), 0), reply(2, CHAT));
    assert_eq!(pending.resolve(Some(MOVED), 0), reply(1, MOVE));
    assert_eq!(pending.resolve(Some(MOVED), 0), reply(3, MOVE));
    assert_eq!(pending.resolve(Some(MOVED), 0), Match::Push);
    assert_eq!(pending.resolve(None, 0), Match::Push);
}

#[test]
fn an_order_goes_to_its_oldest_request_and_is_nobodys_without_one() {
    let mut pending = Pending::new();
    pending.issue(ReplyKey::Fifo, 1, MOVE, TIMEOUT);
    pending.issue(ReplyKey::Fifo, 2, CHAT, TIMEOUT);
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 0), reply(1, MOVE));
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 0), reply(2, CHAT));
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 0), Match::Orphan);
}

#[test]
fn a_late_reply_uses_up_the_dead_place_when_nothing_waits_behind_it() {
    let mut pending = Pending::new();
    pending.issue(MOVED, 1, MOVE, TIMEOUT);
    pending.issue(CHATTED, 2, CHAT, TIMEOUT);
    assert!(pending.expire(1, 100));
    assert_eq!(pending.resolve(Some(MOVED), 150), Match::Late { request: MOVE });
    assert_eq!(pending.resolve(Some(MOVED), 150), Match::Push);
    pending.issue(MOVED, 3, MOVE, TIMEOUT);
    assert_eq!(pending.resolve(Some(MOVED), 160), reply(3, MOVE));
}

#[test]
fn a_reply_that_meets_a_dead_place_is_never_given_to_the_request_behind_it() {
    let mut pending = Pending::new();
    pending.issue(ReplyKey::Fifo, 1, MOVE, TIMEOUT);
    assert!(pending.expire(1, 100));
    pending.issue(ReplyKey::Fifo, 2, CHAT, TIMEOUT);
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 150), Match::Ambiguous { request: MOVE });
    assert_eq!(pending.len(), 1);
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 160), reply(2, CHAT));
}

#[test]
fn a_dead_place_is_gone_after_one_more_time_out() {
    let mut pending = Pending::new();
    pending.issue(ReplyKey::Fifo, 1, MOVE, TIMEOUT);
    assert!(pending.expire(1, 100));
    pending.issue(ReplyKey::Fifo, 2, CHAT, TIMEOUT);
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 200), reply(2, CHAT));
}

#[test]
fn one_lost_reply_spoils_one_more_request_and_no_other() {
    let mut pending = Pending::new();
    pending.issue(MOVED, 1, MOVE, TIMEOUT);
    assert!(pending.expire(1, 100));
    pending.issue(MOVED, 2, MOVE, TIMEOUT);
    assert_eq!(pending.resolve(Some(MOVED), 110), Match::Ambiguous { request: MOVE });
    assert!(pending.expire(2, 200));
    pending.issue(MOVED, 3, MOVE, TIMEOUT);
    assert_eq!(pending.resolve(Some(MOVED), 210), reply(3, MOVE));
}

#[test]
fn a_cancelled_request_keeps_its_place_even_behind_an_ambiguous_reply() {
    let mut pending = Pending::new();
    pending.issue(MOVED, 1, MOVE, TIMEOUT);
    assert!(pending.expire(1, 100));
    pending.issue(MOVED, 2, MOVE, TIMEOUT);
    assert_eq!(pending.resolve(Some(MOVED), 110), Match::Ambiguous { request: MOVE });
    assert!(pending.cancel(2, 120));
    pending.issue(MOVED, 3, MOVE, TIMEOUT);
    assert_eq!(pending.resolve(Some(MOVED), 130), Match::Ambiguous { request: MOVE });
}

#[test]
fn a_lost_connection_gives_back_every_operation_that_waits() {
    let mut pending = Pending::new();
    for operation in 1..=4 {
        pending.issue(ReplyKey::Fifo, operation, MOVE, TIMEOUT);
    }
    assert!(pending.expire(2, 100));
    assert_eq!(pending.drain().collect::<Vec<_>>(), [1, 3, 4]);
    assert!(pending.is_empty());
    assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 110), Match::Orphan);
}

#[test]
fn books_of_one_request_at_a_time_need_no_heap_without_sessions() {
    let mut pending = Pending::new();
    for operation in 0..100 {
        pending.issue(MOVED, operation, MOVE, TIMEOUT);
        pending.resolve(Some(MOVED), 0);
    }
    assert_eq!(pending.places.capacity(), 0);
    assert!(pending.memory.is_none());
    assert!(size_of::<Pending>() <= 104);
}

#[test]
fn a_long_row_is_given_back_when_it_is_empty() {
    let mut pending = Pending::new();
    for operation in 0..100 {
        pending.issue(ReplyKey::Fifo, operation, MOVE, TIMEOUT);
    }
    for operation in 0..100 {
        assert_eq!(pending.resolve(Some(ReplyKey::Fifo), 0), reply(operation, MOVE));
    }
    assert_eq!(pending.places.capacity(), 0);
}

/// The rules as a list that only grows, looked through from the start each time.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    answered: Vec<(i64, MessageId)>,
    given_up: Vec<(i64, MessageId)>,
}

struct Row {
    operation: u64,
    key: ReplyKey,
    request: MessageId,
    overtaken: bool,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Waits,
    Dead(Nanos),
    Gone,
}

impl Model {
    fn resolve(&mut self, key: ReplyKey, now: Nanos) -> Match {
        if let ReplyKey::Session(session) = key {
            if let Some(row) = self.rows.iter_mut().find(|row| row.key == key && row.fate == Fate::Waits) {
                row.fate = Fate::Gone;
                self.answered.push((session, row.request));
                return reply(row.operation, row.request);
            }
            let known = |list: &[(i64, MessageId)]| {
                list.iter().rev().take(64).find(|(known, _)| *known == session).map(|(_, request)| *request)
            };
            if let Some(request) = known(&self.answered) {
                return Match::Duplicate { request };
            }
            let Some(request) = known(&self.given_up) else { return Match::Orphan };
            self.answered.push((session, request));
            return Match::Late { request };
        }
        let stands = |row: &Row| match row.fate {
            Fate::Waits => true,
            Fate::Dead(until) => until > now,
            Fate::Gone => false,
        };
        let Some(first) = self.rows.iter().position(|row| row.key == key && stands(row)) else {
            return if key == ReplyKey::Fifo { Match::Orphan } else { Match::Push };
        };
        let was = std::mem::replace(&mut self.rows[first].fate, Fate::Gone);
        let Row { operation, request, .. } = self.rows[first];
        if was == Fate::Waits {
            return reply(operation, request);
        }
        let mut ambiguous = false;
        for row in self.rows.iter_mut().filter(|row| row.key == key && row.fate == Fate::Waits) {
            row.overtaken = true;
            ambiguous = true;
        }
        if ambiguous { Match::Ambiguous { request } } else { Match::Late { request } }
    }

    fn give_up(&mut self, operation: u64, now: Nanos, timed_out: bool) -> bool {
        let waits = |row: &&mut Row| row.operation == operation && row.fate == Fate::Waits;
        let Some(row) = self.rows.iter_mut().find(waits) else { return false };
        row.fate = match row.key {
            ReplyKey::Session(session) => {
                self.given_up.push((session, row.request));
                Fate::Gone
            }
            _ if timed_out && row.overtaken => Fate::Gone,
            _ => Fate::Dead(now + TIMEOUT.as_nanos() as Nanos),
        };
        true
    }

    fn waiting(&self) -> Vec<u64> {
        self.rows.iter().filter(|row| row.fate == Fate::Waits).map(|row| row.operation).collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Issue(usize),
    Resolve(usize),
    Expire(u64),
    Cancel(u64),
    Pass(Nanos),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..4).prop_map(Step::Issue),
        4 => (0_usize..8).prop_map(Step::Resolve),
        1 => (0_u64..40).prop_map(Step::Expire),
        1 => (0_u64..40).prop_map(Step::Cancel),
        1 => (0_u64..150).prop_map(Step::Pass),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Session,
    Name,
    Fifo,
}

impl Rule {
    fn key(self, choice: usize) -> ReplyKey {
        match self {
            Rule::Session => ReplyKey::Session(choice as i64),
            Rule::Name => ReplyKey::Name(MessageId(choice as u32 % 3)),
            Rule::Fifo => ReplyKey::Fifo,
        }
    }
}

proptest! {
    #[test]
    fn the_books_follow_the_rules_and_balance(
        rule in prop::sample::select(&[Rule::Session, Rule::Name, Rule::Fifo][..]),
        steps in prop::collection::vec(any_step(), 0..400),
    ) {
        let (mut pending, mut model, mut now) = (Pending::new(), Model::default(), 0);
        let (mut issued, mut answered, mut given_up) = (0_u64, 0_u64, 0_u64);
        for step in steps {
            match step {
                Step::Issue(choice) => {
                    let key = match rule {
                        Rule::Session => ReplyKey::Session(next(&mut pending)),
                        rule => rule.key(choice),
                    };
                    let request = MessageId(choice as u32);
                    pending.issue(key, issued, request, TIMEOUT);
                    let fate = Fate::Waits;
                    model.rows.push(Row { operation: issued, key, request, overtaken: false, fate });
                    issued += 1;
                }
                Step::Resolve(choice) => {
                    // Sessions near the newest, so that waiting, answered and given up ones all come up.
                    let key = match rule {
                        Rule::Session => ReplyKey::Session((issued as i64 - choice as i64 * choice as i64).max(0)),
                        rule => rule.key(choice),
                    };
                    let next = pending.next_in_line(key);
                    let found = pending.resolve(Some(key), now);
                    if let Match::Reply { operation, .. } = found {
                        // Only dead places whose time is over may stand before the one that is answered.
                        prop_assert!(next.is_some_and(|next| next <= operation));
                    }
                    prop_assert_eq!(found, model.resolve(key, now));
                    answered += u64::from(matches!(found, Match::Reply { .. }));
                }
                Step::Expire(back) => {
                    let operation = issued.saturating_sub(back);
                    let waited = pending.expire(operation, now);
                    prop_assert_eq!(waited, model.give_up(operation, now, true));
                    given_up += u64::from(waited);
                }
                Step::Cancel(back) => {
                    let operation = issued.saturating_sub(back);
                    let waited = pending.cancel(operation, now);
                    prop_assert_eq!(waited, model.give_up(operation, now, false));
                    given_up += u64::from(waited);
                }
                Step::Pass(time) => now += time,
            }
            prop_assert_eq!(issued, answered + given_up + pending.len() as u64);
        }
        prop_assert_eq!(pending.drain().collect::<Vec<_>>(), model.waiting());
    }
}
