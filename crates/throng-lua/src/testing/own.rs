//! Fake servers of protocols in Lua: what they hear is cut, read and decoded by the protocol's own functions, from the
//! server's side. No server is borrowed while one runs.

use super::dialect::Part;
use super::servers::{Heard, Speech};
use super::world::World;
use crate::own::{Caller, Side, Stage, name_of};
use mlua::Value;
use std::rc::Rc;
use throng_engine::{Incoming, OwnError, RobotKey};

/// What a client's state is kept under; robots' connections have numbers above 0.
pub(super) fn state_key(client: usize) -> i64 {
    -1 - client as i64
}

impl World {
    /// The next thing that a client said.
    pub(super) fn hear(&self, client: usize) -> Option<Heard> {
        loop {
            let heard = self.stand().servers.borrow_mut().hear(client)?;
            match heard {
                Heard::Uncut(input) => self.cut(client, &input),
                Heard::Unread(payload) => {
                    if let Some(heard) = self.read(client, &payload) {
                        return Some(heard);
                    }
                }
                heard => return Some(heard),
            }
        }
    }

    fn cut(&self, client: usize, input: &[u8]) {
        let mut cuts = Vec::new();
        let end = self.stage(client).and_then(|(stage, caller, _)| stage.cut(caller, input, &mut cuts));
        self.stand().servers.borrow_mut().cut(client, input, &cuts, end.map_err(text_of));
    }

    fn read(&self, client: usize, payload: &[u8]) -> Option<Heard> {
        let head = self.stage(client).and_then(|(stage, caller, dialect)| {
            stage.head(caller, &dialect.mirror, payload).map(|head| (head, dialect))
        });
        let mut servers = self.stand().servers.borrow_mut();
        match head {
            Ok((head, dialect)) => {
                // Where a function reads heads there are no fields, and nothing comes first.
                let around = (Vec::new(), Part::Whole);
                Some(servers.said(client, &dialect.own_message(&head, payload), around))
            }
            Err(error) => {
                servers.broken(client, &text_of(error));
                None
            }
        }
    }

    /// Decodes the body of what came by the protocol's own function.
    pub(super) fn decode_own(&self, client: usize, incoming: &Incoming<'_>) -> Result<Value, String> {
        let decoded = self
            .stage(client)
            .and_then(|(stage, caller, _)| stage.decode(caller, name_of(incoming), incoming.body));
        decoded.map_err(text_of)
    }

    fn stage(&self, client: usize) -> Result<(Stage<'_>, Caller, Rc<super::dialect::Dialect>), OwnError> {
        let none = || OwnError::Malformed("this server has no protocol in Lua".into());
        let speech = self.stand().servers.borrow().speech_of(client).clone();
        let Speech::Messages(dialect) = speech else { return Err(none()) };
        let key = state_key(client);
        let caller = Caller::of(self.project(), &dialect.mirror, Side::Server, key).ok_or_else(none)?;
        let stage = Stage { shared: self.shared(), vm: self.vm(), robot: RobotKey::default() };
        Ok((stage, caller, dialect))
    }
}

/// Why a function gave nothing.
pub(super) fn text_of(error: OwnError) -> String {
    match error {
        OwnError::Malformed(text) => text.into(),
        OwnError::Broken(error) => error.message,
    }
}
