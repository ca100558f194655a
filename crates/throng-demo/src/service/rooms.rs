//! Who is in which room of the battle, and how to reach them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc;

use super::{Payload, Push};
use crate::server::Server;

/// Members that a new one is told of; all of a crowd would not fit into a frame.
const MOST_LISTED: usize = 1000;

/// All rooms. A room exists while somebody is in it.
pub(super) struct Rooms {
    rooms: Mutex<State>,
    server: Arc<Server>,
}

#[derive(Default)]
struct State {
    members: HashMap<i64, Vec<Member>>,
    last: i64,
}

struct Member {
    id: i64,
    inbox: mpsc::Sender<Push>,
}

impl Rooms {
    pub(super) fn new(server: Arc<Server>) -> Self {
        Self { rooms: Mutex::default(), server }
    }

    /// Adds a member; returns its id and those of the others, up to `MOST_LISTED`.
    pub(super) fn join(&self, room: i64, inbox: mpsc::Sender<Push>) -> (i64, Vec<i64>) {
        let mut state = self.lock();
        state.last += 1;
        let id = state.last;
        let members = state.members.entry(room).or_default();
        let others = members.iter().take(MOST_LISTED).map(|member| member.id).collect();
        members.push(Member { id, inbox });
        (id, others)
    }

    pub(super) fn leave(&self, room: i64, id: i64) {
        let mut state = self.lock();
        let Some(members) = state.members.get_mut(&room) else { return };
        members.retain(|member| member.id != id);
        if members.is_empty() {
            state.members.remove(&room);
        }
    }

    /// Hands a push to all in the room but `from`. One that does not keep up misses it, and that is counted.
    pub(super) fn broadcast(&self, room: i64, from: i64, name: usize, payload: Vec<u8>) {
        let payload: Payload = payload.into();
        let state = self.lock();
        let others = state.members.get(&room).into_iter().flatten().filter(|member| member.id != from);
        for member in others {
            let push = Push { name, payload: Arc::clone(&payload) };
            if member.inbox.try_send(push).is_err() {
                self.server.tally.pushes_lost.one();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
