//! Sends each message back.

use super::{NotUnderstood, Service, Turn};

/// The raw echo.
pub(crate) struct Echo;

impl Service for Echo {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        turn.reply = Some(0);
        turn.body.extend_from_slice(message);
        Ok(())
    }

    fn wrap(&mut self, _turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(body);
    }
}
