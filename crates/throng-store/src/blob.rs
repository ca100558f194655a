//! A sample as bytes: MessagePack with named fields, compressed by zstd.

use throng_metrics::{Sample, Totals};

/// Beyond this a sample is damaged and not large: a thousand names of each kind with full histograms stay below.
const LARGEST: usize = 256 << 20;

/// The fastest level that still finds the names and headers, which are the same in row after row.
const LEVEL: i32 = 3;

/// The bytes of what `stretch` recorded; `run` are the totals of the whole run at its end.
pub(crate) fn packed(stretch: &Totals, run: &Totals) -> Result<Vec<u8>, String> {
    let plain = rmp_serde::to_vec_named(&stretch.sample(run)).map_err(|error| error.to_string())?;
    zstd::bulk::compress(&plain, LEVEL).map_err(|error| error.to_string())
}

/// The sample that the bytes hold.
pub(crate) fn unpacked(bytes: &[u8]) -> Result<Sample, String> {
    let plain = zstd::bulk::decompress(bytes, size(bytes)).map_err(|error| error.to_string())?;
    rmp_serde::from_slice(&plain).map_err(|error| error.to_string())
}

/// How large the plain bytes say they are, within bounds.
fn size(bytes: &[u8]) -> usize {
    let said = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    said.and_then(|size| usize::try_from(size).ok()).unwrap_or(LARGEST).min(LARGEST)
}
