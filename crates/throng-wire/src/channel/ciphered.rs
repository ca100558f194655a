//! Frames of a direction that is encrypted.

use super::{ChannelError, ChannelSpec, Layer, Received, SendError, cut_layer};
use crate::Direction;
use crate::cipher::{Coder, Coverage, Unsealed};
use crate::framing::{Cut, Framing, Mark};

/// The next thing in `input`, decrypted.
pub(super) fn cut<'a>(
    spec: &'a ChannelSpec,
    layer: &'a mut Layer,
    (scanned, half): (&mut u32, &mut bool),
    coder: &'a mut Coder,
    input: &'a [u8],
) -> Result<Received<'a>, ChannelError> {
    if coder.coverage == Coverage::All && matches!(layer, Layer::Stream) {
        return cut_stream(&spec.framing, (scanned, half), coder, input);
    }
    let (payload, used) = match cut_layer(spec, layer, (scanned, half), input)? {
        Received::Message { payload, used } => (payload, used),
        other => return Ok(other),
    };
    coder.plain.clear();
    coder.plain.extend_from_slice(payload);
    let body = match coder.coverage {
        Coverage::Body => spec.framing.body_start(&coder.plain, Direction::Received),
        Coverage::All => 0,
    };
    coder.cipher.apply(&mut coder.plain[body..])?;
    Ok(Received::Message { payload: &coder.plain, used })
}

/// Decrypts a frame of a stream of which every byte is encrypted. No byte behind it is touched: the next frame may have
/// another cipher.
fn cut_stream<'a>(
    framing: &Framing,
    (scanned, half): (&mut u32, &mut bool),
    coder: &'a mut Coder,
    input: &[u8],
) -> Result<Received<'a>, ChannelError> {
    if std::mem::take(&mut coder.done) {
        coder.plain.clear();
    }
    let mut used = 0;
    loop {
        let need = match framing.cut_after(&coder.plain, *scanned as usize)? {
            Cut::Frame { payload, .. } => {
                (*scanned, *half, coder.done) = (0, false, true);
                return Ok(Received::Message { payload: &coder.plain[payload], used });
            }
            Cut::Need(need) => need - coder.plain.len(),
        };
        *scanned = u32::try_from(coder.plain.len()).unwrap_or(u32::MAX);
        let next = &input[used..];
        if next.is_empty() {
            *half = !coder.plain.is_empty();
            // What was decrypted is kept here, so the driver has nothing to keep.
            return Ok(if used > 0 { Received::Control { used } } else { Received::Need { at_least: need } });
        }
        let next = &next[..need.min(next.len())];
        let start = coder.plain.len();
        coder.plain.extend_from_slice(next);
        coder.cipher.apply(&mut coder.plain[start..])?;
        used += next.len();
    }
}

/// Finishes a frame. What is too long is refused before the cipher moves on.
pub(super) fn finish(
    framing: &Framing,
    coder: &mut Coder,
    out: &mut Vec<u8>,
    mark: Mark,
) -> Result<(), SendError> {
    let start = mark.0;
    let body = start + framing.body_start(&out[start..], Direction::Sent);
    let length = out.len() - body;
    framing.finish(out, mark)?;
    let covered = match coder.coverage {
        Coverage::All => start,
        // A varint length may have moved it up; only a delimiter stands behind it, which a body cannot be covered with.
        Coverage::Body => out.len() - length,
    };
    if coder.cipher.is_hosts() {
        coder.unsealed.push(Unsealed { range: covered..out.len(), masked_from: None });
        return Ok(());
    }
    coder.cipher.apply(&mut out[covered..])?;
    Ok(())
}
