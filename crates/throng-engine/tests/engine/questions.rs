//! What servers ask with a session, in skynet's way: whoever hears it may answer, at once or later.

use crate::world::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{
    CodecSpec, Endian, Framing, HeadKind, LengthFraming, LengthWidth, OnClose, Protocol, ProtocolSpec,
    SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

const ROBOTS: &str = ".package { type 0 : integer session 1 : integer } hello 1 {}";
const SERVERS: &str = ".package { type 0 : integer session 1 : integer } alive 1 { response nil } news 2 {}";

/// What one side sends and the other receives.
fn rpc(send: &str, receive: &str) -> Protocol {
    let texts = |text: &str| vec![SourceText { name: "rpc.sproto".into(), text: text.into() }];
    let schema = SchemaSpec::Separate { send: texts(send), receive: texts(receive) };
    let shape = SprotoShape::Rpc { package: "package".into() };
    let mut spec = ProtocolSpec::new("game", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }));
    spec.framing = Some(Framing::Length(LengthFraming::new(LengthWidth::U16(Endian::Big))));
    spec.on_close = OnClose::Call;
    Protocol::build(spec).expect("a protocol")
}

/// A robot that greets a server, which then says each of these with its session; the sessions that were answered.
fn asked(
    messages: &'static [(&'static str, Option<i64>)],
    habits: Habits,
    acts: Vec<Act>,
) -> (World, Rc<RefCell<Vec<i64>>>) {
    let start = std::iter::once(connect()).chain(acts).collect();
    let mut plan = Plan::new([("role.start", start)]);
    let protocol = Arc::new(rpc(ROBOTS, SERVERS));
    plan.settings.protocols = vec![ProtocolRoute { protocol, hosts: Vec::new() }];
    plan.habits = habits;
    let server = rpc(SERVERS, ROBOTS);
    let answered = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&answered);
    let mut world = plan.world(move |_, _, payload| {
        let mut scratch = Vec::new();
        let head = server.read(payload, &mut scratch).expect("a package");
        match head.kind {
            HeadKind::Reply { session } => seen.borrow_mut().push(session),
            other => panic!("{other:?} is no answer"),
        }
    });
    let server = rpc(SERVERS, ROBOTS);
    world.welcome = Box::new(move |net, link| {
        for (name, session) in messages {
            let (mut payload, mut frame) = (Vec::new(), Vec::new());
            let message = server.message(name).expect("a message");
            server.write(message, *session, &[], &mut Vec::new(), &mut payload).expect("a payload");
            frame.extend((payload.len() as u16).to_be_bytes());
            frame.extend(payload);
            net.send(link, &frame);
        }
    });
    world.want(1);
    world.advance(1_000);
    (world, answered)
}

fn count(world: &mut World, text: &str) -> usize {
    world.told().iter().filter(|line| line.ends_with(text)).count()
}

const ANSWERS: Habits = Habits {
    answers: Some(1),
    on_push: None,
    cancels: None,
    cost: Duration::ZERO,
    push_cost: Duration::ZERO,
    most_outcomes: None,
};

#[test]
fn a_question_is_answered_under_its_session() {
    let messages = &[("alive", Some(0)), ("alive", Some(7)), ("news", Some(-1))];
    let (world, answered) = asked(messages, ANSWERS, vec![]);
    assert_eq!(*answered.borrow(), [0, 7, -1]);
    let row = world.totals.sends().find("game", "alive").expect("answers are sends");
    assert_eq!(row.counts.count, 2);
    let row = world.totals.pushes().find("game", "alive").expect("questions are pushes");
    assert_eq!((row.counts.count, row.counts.handled), (2, 2));
}

#[test]
fn a_push_without_a_session_asks_nothing() {
    let (mut world, answered) = asked(&[("news", None), ("alive", Some(3)), ("news", None)], ANSWERS, vec![]);
    assert_eq!((count(&mut world, "question"), answered.borrow().len()), (1, 1));
}

#[test]
fn a_question_can_be_answered_later_and_out_of_order() {
    let later = Habits { answers: Some(2), ..ANSWERS };
    let (_, answered) = asked(&[("alive", Some(1)), ("news", None), ("alive", Some(2))], later, vec![]);
    assert_eq!(*answered.borrow(), [1, 2]);
}

#[test]
fn an_answer_on_a_connection_that_has_ended_is_a_failure() {
    let closing = Habits { on_push: Some(Act::Close), ..ANSWERS };
    let (mut world, answered) = asked(&[("alive", Some(1))], closing, vec![]);
    assert_eq!(count(&mut world, "not answered: closed"), 1);
    assert!(answered.borrow().is_empty());
    assert_eq!(world.totals.failures()[0].kind.to_string(), "closed");
}
