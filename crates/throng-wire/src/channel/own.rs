//! Streams whose frames a function of the host's cuts: what the channel has to know of it.

use super::{Channel, ChannelError, Layer};
use crate::framing::{Framing, FramingError};

/// Bytes shown for one frame from which on a function is asked too often, whatever the greatest frame is.
const SHOWN: u64 = 1 << 28;
/// The same in greatest frames.
const FRAMES_SHOWN: u64 = 1 << 10;

impl Channel {
    /// Whether the host cuts the frames.
    #[inline]
    pub fn is_cut_by_host(&self) -> bool {
        matches!(self.spec.framing, Framing::Own(_))
    }

    /// Whether the frames that the host cuts lie in a stream, and not each in messages of the layer below.
    pub fn is_stream(&self) -> bool {
        matches!(self.layer, Layer::Stream) && self.spec.datagrams.is_none()
    }

    /// A frame of so many bytes was cut.
    ///
    /// # Errors
    /// It is longer than the greatest.
    pub fn frame_cut(&mut self, length: usize) -> Result<(), ChannelError> {
        self.refuse_longer(length)?;
        (self.scanned, self.half) = (0, false);
        if self.is_stream() {
            self.received = self.received.saturating_add(1);
        }
        Ok(())
    }

    /// So many bytes are no whole frame yet, which has `at_least` bytes. Returns how many must be there before the host is
    /// asked again.
    ///
    /// # Errors
    /// The frame is longer than the greatest, or the host was asked about it so often that it would be asked for ever.
    pub fn frame_begun(&mut self, length: usize, at_least: usize) -> Result<usize, ChannelError> {
        self.half = length > 0;
        if length == 0 {
            return Ok(1);
        }
        if !self.is_stream() {
            return Err(FramingError::Leftover { length }.into());
        }
        let at_least = at_least.max(length + 1);
        self.refuse_longer(at_least)?;
        // In KiB, as a frame may be asked about very often while it comes byte by byte.
        self.scanned =
            self.scanned.saturating_add(u32::try_from(length.div_ceil(1 << 10)).unwrap_or(u32::MAX));
        let shown = u64::from(self.scanned) << 10;
        if shown > SHOWN.max(self.spec.framing.limit() as u64 * FRAMES_SHOWN) {
            return Err(FramingError::Shown { shown, length }.into());
        }
        Ok(at_least)
    }

    fn refuse_longer(&self, length: usize) -> Result<(), ChannelError> {
        let max = self.spec.framing.limit();
        match length <= max {
            true => Ok(()),
            false => Err(FramingError::TooLong { length: length as u64, max }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::ChannelSpec;
    use std::sync::Arc;

    fn channel(max: usize) -> Channel {
        let spec = Arc::new(ChannelSpec::stream(Framing::Own(max)).unwrap());
        Channel::client(&spec, "", "", 1)
    }

    #[test]
    fn a_frame_is_asked_about_again_only_when_it_can_be_whole() {
        let mut channel = channel(100);
        assert_eq!(channel.frame_begun(0, 7), Ok(1));
        assert_eq!(channel.frame_begun(3, 50), Ok(50));
        assert!(channel.end_of_input().is_err());
        assert_eq!(channel.frame_begun(3, 2), Ok(4));
        assert_eq!(channel.frame_cut(50), Ok(()));
        assert!(channel.end_of_input().is_ok());
        assert_eq!(channel.received(), 1);
    }

    #[test]
    fn no_frame_is_longer_than_the_greatest() {
        let mut channel = channel(100);
        let too_long = |length| Err(FramingError::TooLong { length, max: 100 }.into());
        assert_eq!(channel.frame_begun(1, 101), too_long(101));
        assert_eq!(channel.frame_begun(100, 0), too_long(101));
        assert_eq!(channel.frame_cut(101).map(|()| 0), too_long(101));
    }

    #[test]
    fn a_function_that_never_says_how_much_it_needs_is_not_asked_for_ever() {
        let mut channel = channel(1 << 20);
        let mut asked = 0u64;
        for length in 1.. {
            match channel.frame_begun(length, 0) {
                Ok(wanted) => assert_eq!(wanted, length + 1),
                Err(error) => {
                    assert!(matches!(error, ChannelError::Framing(FramingError::Shown { .. })));
                    break;
                }
            }
            asked += length as u64;
        }
        assert!(asked <= 1 << 30);
        assert!(channel.frame_cut(1).is_ok() && channel.frame_begun(1, 0).is_ok());
    }
}
