//! Where a number's field or enum value stands: an array for small numbers.

/// Nothing has this number.
const NONE: u16 = u16::MAX;

/// Indices by number, as far as an array is worth its memory.
#[derive(Debug)]
pub(super) struct Numbers {
    direct: Box<[u16]>,
    complete: bool,
}

impl Numbers {
    /// Of the indices of `numbers`, the first one of equal ones.
    pub(super) fn new(numbers: impl Iterator<Item = i64> + Clone) -> Numbers {
        let limit = 64 + 8 * numbers.clone().count() as i64;
        let within = |number: &i64| (0..limit).contains(number);
        let length = numbers.clone().filter(within).max().map_or(0, |largest| largest as usize + 1);
        let mut direct = vec![NONE; length];
        let mut complete = true;
        for (index, number) in numbers.enumerate() {
            match (within(&number), u16::try_from(index)) {
                (true, Ok(index)) if index != NONE => {
                    let place = &mut direct[number as usize];
                    if *place == NONE {
                        *place = index;
                    }
                }
                _ => complete = false,
            }
        }
        Numbers { direct: direct.into(), complete }
    }

    #[inline(always)]
    pub(super) fn direct(&self, number: u32) -> Option<usize> {
        match self.direct.get(number as usize) {
            Some(index) if *index != NONE => Some(usize::from(*index)),
            _ => None,
        }
    }

    /// Whether all numbers are in the array.
    #[inline(always)]
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}
