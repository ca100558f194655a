//! An input's first bytes as choices: which description, which pieces.

/// Bytes that are taken from the front. Where there are no more, zeros come.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()].clone()
    }

    /// At most so many bytes.
    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Sizes of pieces, as a seed has them: ones, small ones, or large ones.
pub(crate) fn pieces(seed: u8) -> impl FnMut() -> usize {
    let mut state = u64::from(seed) | 0x9e37_79b9 << 8;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let draw = (state >> 33) as usize;
        match seed % 4 {
            0 => 1,
            1 => 1 + draw % 3,
            2 => 1 + draw % 17,
            _ => 1 + draw % 300,
        }
    }
}
