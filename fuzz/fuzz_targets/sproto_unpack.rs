//! Any bytes unpack within the limit or fail and leave nothing; what was unpacked comes back from its packed form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use throng_sproto::{pack, unpack};

const LIMIT: usize = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let mut unpacked = vec![7];
    if unpack(bytes, LIMIT, &mut unpacked).is_err() {
        assert_eq!(unpacked, [7]);
    } else {
        let unpacked = &unpacked[1..];
        assert!(unpacked.len() % 8 == 0 && unpacked.len() <= LIMIT);
        round_trip(unpacked);
    }
    round_trip(bytes);
});

fn round_trip(bytes: &[u8]) {
    let (mut packed, mut again) = (Vec::new(), Vec::new());
    pack(bytes, &mut packed);
    let padded = bytes.len().next_multiple_of(8);
    assert!(packed.len() <= padded + 2 * padded.div_ceil(2048));
    unpack(&packed, padded, &mut again).expect("what was packed");
    assert_eq!(again.len(), padded);
    assert_eq!(&again[..bytes.len()], bytes);
    assert!(again[bytes.len()..].iter().all(|byte| *byte == 0));
}
