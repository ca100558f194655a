//! Answers to what servers ask with a session: what a handler returns.

use super::{Context, Natives, Refused};
use crate::bodies;
use crate::state::Asked;
use mlua::{Lua, Value};
use std::rc::Rc;
use throng_metrics::FailureKind;
use throng_sproto::{Schema, TypeId};
use throng_wire::Protocol;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.waits("answer", answer)?;
    natives.plain("stray_in_answer", |context, _, body: Value| Ok(stray(context, &body)))
}

/// What the running handler has returned, other than nil: the answer, unless nothing was asked or another handler was
/// faster.
fn answer(context: &Context, lua: &Lua, body: Value) -> Result<(), Refused> {
    let (desk, _) = context.robot()?;
    let asked = context.asked().filter(|asked| !asked.answered.replace(true));
    let Some(asked) = asked else { return Ok(()) };
    let connection = asked.question.connection();
    let mut encoded = Vec::new();
    // A connection that has ended is the engine's to refuse, and to count.
    if let Some(protocol) = context.facts(connection).and_then(|facts| facts.protocol)
        && let Some((schema, ty)) = type_of(&protocol, &asked)
        && let Err(text) = context.vm.codec.encode_table(lua, schema, ty, &body, &mut encoded)
    {
        let name = format!("{} answer", asked.name);
        return Err(context.count_on(FailureKind::Encode, &name, connection, None, text));
    }
    Ok(desk.answer(&asked.question, &encoded)?)
}

/// The first field of what the running handler has returned that the answer does not have, in words.
fn stray(context: &Context, body: &Value) -> Option<String> {
    let asked = context.asked().filter(|asked| !asked.answered.get())?;
    let protocol = context.facts(asked.question.connection())?.protocol?;
    let (schema, ty) = type_of(&protocol, &asked)?;
    bodies::stray_in_type(schema, ty, &format!("the answer to {}", asked.name), body)
}

/// What the answer is encoded as; `None` where it has no content.
fn type_of<'p>(protocol: &'p Protocol, asked: &Asked) -> Option<(&'p Schema, TypeId)> {
    protocol.answer_body_type(asked.question.message()?)
}

impl Context {
    /// What the server asked with the message that the running function handles.
    fn asked(&self) -> Option<Rc<Asked>> {
        self.shared.fibers.borrow().get(self.shared.current.get().fiber)?.asked.clone()
    }
}
