//! UTF-8 that arrives in pieces.

/// Checks text piece by piece; a character may lie across pieces.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    open: [u8; 4],
    length: u8,
}

impl Utf8 {
    /// Takes the next piece; false when the text cannot be UTF-8 any more.
    pub(super) fn feed(&mut self, mut piece: &[u8]) -> bool {
        while self.length > 0 {
            let Some((first, rest)) = piece.split_first() else { return true };
            piece = rest;
            self.open[usize::from(self.length)] = *first;
            self.length += 1;
            match std::str::from_utf8(&self.open[..usize::from(self.length)]) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => {
                let open = &piece[error.valid_up_to()..];
                self.open[..open.len()].copy_from_slice(open);
                self.length = open.len() as u8;
                true
            }
        }
    }

    /// Whether the text may end here; starts anew for the next one.
    pub(super) fn finish(&mut self) -> bool {
        std::mem::take(&mut self.length) == 0
    }
}
