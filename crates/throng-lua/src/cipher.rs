//! Functions of a script's that encrypt or decrypt for a connection.
//!
//! The engine keeps a [`LuaCipher`] with the connection, and calls it with nothing borrowed. The function hangs off a table of
//! the prelude's, like everything of robots', and goes when the connection does.

use crate::own::{bytes_said, verdict};
use crate::run::Entry;
use crate::state::{Current, Shared};
use crate::vm::{Vm, VmState};
use mlua::{Function, Lua, Value, WeakLua};
use std::rc::{Rc, Weak};
use throng_engine::{OwnError, RobotKey, Uncaught};
use throng_wire::{Cipher, CipherError};

/// A function in Lua that changes the bytes of one direction. It holds nothing: what it refers to holds the engine.
pub(crate) struct LuaCipher {
    shared: Weak<Shared>,
    vm: Weak<VmState>,
    lua: WeakLua,
    robot: RobotKey,
    /// The function's place in the prelude's table.
    id: i64,
}

impl LuaCipher {
    /// A cipher that calls `function` for a robot.
    ///
    /// # Errors
    /// There is no memory.
    pub(crate) fn new(
        (shared, vm): (&Rc<Shared>, &Rc<VmState>),
        lua: &Lua,
        robot: RobotKey,
        function: &Function,
    ) -> mlua::Result<LuaCipher> {
        let id = shared.new_id();
        vm.prelude().ciphers.raw_set(id, function)?;
        Ok(LuaCipher { shared: Rc::downgrade(shared), vm: Rc::downgrade(vm), lua: lua.weak(), robot, id })
    }

    fn call(&self, bytes: &[u8]) -> Result<Vec<u8>, OwnError> {
        let gone = || OwnError::Malformed("the robot's Lua state is gone".into());
        let shared = self.shared.upgrade().ok_or_else(gone)?;
        let state = self.vm.upgrade().ok_or_else(gone)?;
        let lua = self.lua.try_upgrade().ok_or_else(gone)?;
        let vm = Vm { state, lua };
        let bytes =
            vm.lua.create_string(bytes).map_err(|error| OwnError::Malformed(error.to_string().into()))?;
        let slot = shared.robots.borrow().get(self.robot).map_or(0, |robot| robot.slot);
        let current = Current { robot: self.robot, ..Current::nothing() };
        let arguments = (Entry::Cipher as i64, slot, self.id, bytes, Value::Nil);
        match vm.call(&shared, current, arguments) {
            Ok(_) => verdict(&vm.state).and_then(|()| bytes_said(&vm.state)),
            Err(Uncaught::Script(error)) => Err(OwnError::Broken(error)),
            Err(Uncaught::Counted(text)) => Err(OwnError::Malformed(text.into())),
        }
    }
}

impl Cipher for LuaCipher {
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), CipherError> {
        let changed = self.call(bytes).map_err(|error| match error {
            OwnError::Malformed(reason) => CipherError { reason },
            OwnError::Broken(error) => CipherError { reason: error.message.into() },
        })?;
        if changed.len() != bytes.len() {
            return Err(CipherError { reason: "it gave another number of bytes".into() });
        }
        bytes.copy_from_slice(&changed);
        Ok(())
    }

    fn is_hosts(&self) -> bool {
        true
    }
}

impl Drop for LuaCipher {
    fn drop(&mut self) {
        if let (Some(vm), Some(_lua)) = (self.vm.upgrade(), self.lua.try_upgrade()) {
            // Setting a field to nil takes no memory.
            let _ = vm.prelude().ciphers.raw_set(self.id, Value::Nil);
        }
    }
}
