use proptest::prelude::*;

use super::*;

fn length(width: LengthWidth) -> LengthFraming {
    LengthFraming::new(width)
}

fn written(framing: &Framing, payload: &[u8]) -> Result<Vec<u8>, FramingError> {
    let mut out = b"before".to_vec();
    let mark = framing.begin(&mut out);
    out.extend_from_slice(payload);
    let finished = framing.finish(&mut out, mark);
    assert!(out.starts_with(b"before"));
    if finished.is_err() {
        assert_eq!(out, b"before", "a refused payload leaves nothing behind");
    }
    finished.map(|()| out.split_off(6))
}

#[track_caller]
fn check(framing: &Framing, payload: &[u8], frame: &[u8]) {
    assert_eq!(written(framing, payload).as_deref(), Ok(frame));
    let mut stream = frame.to_vec();
    stream.extend_from_slice(b"next");
    match framing.cut(&stream) {
        Ok(Cut::Frame { payload: range, used }) => {
            assert_eq!((&stream[range], used), (payload, frame.len()));
        }
        other => panic!("no frame but {other:?}"),
    }
    for cut in 0..frame.len() {
        match framing.cut(&frame[..cut]) {
            Ok(Cut::Need(need)) => assert!(need > cut && need <= frame.len(), "{need} needed at {cut}"),
            other => panic!("{other:?} from the first {cut} bytes"),
        }
    }
}

#[test]
fn a_length_prefix_has_every_width_and_order() {
    for (word, frame) in [
        ("u8", &b"\x03abc"[..]),
        ("u16be", b"\x00\x03abc"),
        ("u16le", b"\x03\x00abc"),
        ("u32be", b"\x00\x00\x00\x03abc"),
        ("u32le", b"\x03\x00\x00\x00abc"),
        ("varint", b"\x03abc"),
    ] {
        let width = word.parse().unwrap();
        assert_eq!(LengthWidth::to_string(&width), word);
        check(&Framing::Length(length(width)), b"abc", frame);
    }
}

#[test]
fn a_width_that_does_not_exist_names_those_that_do() {
    let error = "u24be".parse::<LengthWidth>().unwrap_err();
    for word in LengthWidth::NAMES {
        assert!(error.to_string().contains(word));
        assert!(word.parse::<LengthWidth>().is_ok());
    }
}

#[test]
fn an_inclusive_length_counts_itself() {
    let inclusive = |width| Framing::Length(LengthFraming { inclusive: true, ..length(width) });
    check(&inclusive(LengthWidth::U16(Endian::Big)), b"abc", b"\x00\x05abc");
    check(&inclusive(LengthWidth::Varint), b"abc", b"\x04abc");
    let header = FramingError::TooShort { length: 1, header: 2 };
    assert_eq!(inclusive(LengthWidth::U16(Endian::Big)).cut(b"\x00\x01"), Err(header));
}

#[test]
fn a_length_at_an_offset_keeps_the_whole_frame_as_payload() {
    let at = |inclusive| {
        Framing::Length(LengthFraming { offset: 3, inclusive, ..length(LengthWidth::U16(Endian::Big)) })
    };
    check(&at(false), b"\x01\x02\x03\x00\x04body", b"\x01\x02\x03\x00\x04body");
    check(&at(true), b"\x01\x02\x03\x00\x09body", b"\x01\x02\x03\x00\x09body");
    // What the script wrote in the length field does not matter.
    assert_eq!(written(&at(false), b"\x01\x02\x03??body").as_deref(), Ok(&b"\x01\x02\x03\x00\x04body"[..]));
    assert_eq!(written(&at(false), b"\x01\x02\x03?"), Err(FramingError::NoHeader { length: 4, header: 5 }));
}

#[test]
fn a_varint_takes_as_many_bytes_as_it_needs() {
    let framing = Framing::Length(length(LengthWidth::Varint));
    let inclusive = Framing::Length(LengthFraming { inclusive: true, ..length(LengthWidth::Varint) });
    for size in [0, 1, 125, 126, 127, 128, 129, 16_381, 16_382, 16_383, 16_384, 100_000] {
        let payload = vec![7; size];
        for framing in [&framing, &inclusive] {
            let frame = written(framing, &payload).unwrap();
            let whole = Cut::Frame { payload: frame.len() - size..frame.len(), used: frame.len() };
            assert_eq!(framing.cut(&frame), Ok(whole));
        }
    }
    assert_eq!(written(&framing, &[7; 300]).unwrap()[..2], [0xac, 0x02]);
    assert_eq!(framing.cut(&[0x80; 5]), Err(FramingError::LongVarint));
    assert_eq!(framing.cut(&[0x80; 4]), Ok(Cut::Need(5)));
}

#[test]
fn a_length_above_the_maximum_is_refused_before_its_body_comes() {
    let framing = Framing::Length(LengthFraming { max: 100, ..length(LengthWidth::U32(Endian::Big)) });
    assert_eq!(framing.cut(&[0xff; 4]), Err(FramingError::TooLong { length: 0xffff_ffff, max: 100 }));
    assert_eq!(framing.cut(&[0, 0, 0, 100]), Ok(Cut::Need(104)));
    assert_eq!(written(&framing, &[0; 101]), Err(FramingError::TooLong { length: 101, max: 100 }));
    assert!(written(&framing, &[0; 100]).is_ok());
    let whole = LengthFraming { max: 10, offset: 4, ..length(LengthWidth::U8) };
    assert_eq!(Framing::Length(whole.clone()).cut(&[0, 0, 0, 0, 5]), Ok(Cut::Need(10)));
    assert_eq!(
        Framing::Length(whole).cut(&[0, 0, 0, 0, 6]),
        Err(FramingError::TooLong { length: 11, max: 10 })
    );
}

#[test]
fn a_payload_that_its_length_field_cannot_say_is_refused() {
    let short = |inclusive| Framing::Length(LengthFraming { inclusive, ..length(LengthWidth::U8) });
    assert!(written(&short(false), &[0; 255]).is_ok());
    assert_eq!(written(&short(false), &[0; 256]), Err(FramingError::TooLong { length: 256, max: 255 }));
    assert!(written(&short(true), &[0; 254]).is_ok());
    assert_eq!(written(&short(true), &[0; 255]), Err(FramingError::TooLong { length: 255, max: 254 }));
    let two = Framing::Length(length(LengthWidth::U16(Endian::Big)));
    assert!(written(&two, &[0; 65_535]).is_ok());
    assert_eq!(written(&two, &[0; 65_536]), Err(FramingError::TooLong { length: 65_536, max: 65_535 }));
}

#[test]
fn a_delimiter_ends_a_frame_and_is_not_part_of_it() {
    check(&Framing::Delimiter(DelimiterFraming::new(b"\n", 10)), b"line", b"line\n");
    check(&Framing::Delimiter(DelimiterFraming::new(b"\r\n", 10)), b"a\rb\n", b"a\rb\n\r\n");
    check(&Framing::Delimiter(DelimiterFraming::new(b"\r\n", 10)), b"", b"\r\n");
}

#[test]
fn a_delimiter_must_come_within_the_maximum() {
    let framing = Framing::Delimiter(DelimiterFraming::new(b"\r\n", 4));
    assert_eq!(framing.cut(b"abcd\r\n"), Ok(Cut::Frame { payload: 0..4, used: 6 }));
    assert_eq!(framing.cut(b"abcd\r"), Ok(Cut::Need(6)));
    assert_eq!(framing.cut(b"abcde\r\n"), Err(FramingError::NoDelimiter { max: 4 }));
    assert_eq!(written(&framing, b"abcde"), Err(FramingError::TooLong { length: 5, max: 4 }));
}

#[test]
fn a_payload_that_would_be_two_frames_is_refused() {
    let lines = Framing::Delimiter(DelimiterFraming::new(b"\n", 10));
    assert_eq!(written(&lines, b"a\nb"), Err(FramingError::DelimiterInside));
    let blocks = Framing::Delimiter(DelimiterFraming::new(b"\n\n", 10));
    assert!(written(&blocks, b"a\nb").is_ok());
    assert_eq!(written(&blocks, b"a\n"), Err(FramingError::DelimiterInside));
}

#[test]
fn a_fixed_frame_has_its_size_and_no_other() {
    let framing = Framing::Fixed(3);
    check(&framing, b"abc", b"abc");
    assert_eq!(written(&framing, b"ab"), Err(FramingError::WrongSize { length: 2, size: 3 }));
}

#[test]
fn a_framing_that_cannot_work_says_why() {
    let with = |change: fn(&mut LengthFraming)| {
        let mut framing = length(LengthWidth::U16(Endian::Big));
        change(&mut framing);
        Framing::Length(framing).validate()
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|f| f.max = 0), Err(FramingSetupError::SmallMax { max: 0, least: 1 }));
    assert_eq!(with(|f| (f.max, f.offset) = (5, 4)), Err(FramingSetupError::SmallMax { max: 5, least: 6 }));
    assert_eq!(with(|f| f.max = usize::MAX), Err(FramingSetupError::TooLarge { bytes: usize::MAX }));
    assert_eq!(
        with(|f| (f.max, f.offset) = (usize::MAX, usize::MAX - 4)),
        Err(FramingSetupError::TooLarge { bytes: usize::MAX })
    );
    assert_eq!(
        with(|f| (f.width, f.offset) = (LengthWidth::Varint, 1)),
        Err(FramingSetupError::VarintOffset)
    );
    assert_eq!(Framing::Fixed(0).validate(), Err(FramingSetupError::ZeroSize));
    let empty = Framing::Delimiter(DelimiterFraming::new(b"", 9));
    assert_eq!(empty.validate(), Err(FramingSetupError::EmptyDelimiter));
}

/// Every kind of framing that cuts a stream.
pub(crate) fn any_framing() -> impl Strategy<Value = Framing> {
    let width = prop::sample::select(&LengthWidth::NAMES[..]).prop_map(|word| word.parse().unwrap());
    let length = (width, prop::sample::select(&[0_usize, 0, 1, 5][..]), any::<bool>(), 10_usize..400)
        .prop_map(|(width, offset, inclusive, max)| {
            let offset = if width == LengthWidth::Varint { 0 } else { offset };
            Framing::Length(LengthFraming { width, offset, inclusive, max })
        });
    let delimiter = (prop::collection::vec(0_u8..3, 1..4), 1_usize..100)
        .prop_map(|(delimiter, max)| Framing::Delimiter(DelimiterFraming::new(&delimiter, max)));
    prop_oneof![4 => length, 2 => delimiter, 1 => (1_usize..20).prop_map(Framing::Fixed)]
}

/// The frame of a payload made fit for the framing, if it can be, with the payload that must come out.
pub(crate) fn fitted(framing: &Framing, payload: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut payload = payload.to_vec();
    match framing {
        Framing::Fixed(size) => payload.resize(*size, 1),
        framing => {
            let least = payload.len().max(framing.header_in_payload());
            payload.resize(least, 1);
        }
    }
    let frame = written(framing, &payload).ok()?;
    if framing.header_in_payload() > 0 {
        payload.clone_from(&frame);
    }
    Some((frame, payload))
}

proptest! {
    #[test]
    fn what_is_written_is_cut(framing in any_framing(), payload in prop::collection::vec(0_u8..8, 0..100)) {
        let Some((frame, payload)) = fitted(&framing, &payload) else { return Ok(()) };
        prop_assert!(framing.validate().is_ok());
        prop_assert!(frame.len() <= framing.limit());
        match framing.cut(&frame) {
            Ok(Cut::Frame { payload: range, used }) => {
                prop_assert_eq!(used, frame.len());
                prop_assert_eq!(&frame[range], &payload[..]);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_bytes_are_a_frame_a_beginning_or_an_error(
        framing in any_framing(),
        bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..500),
        scanned in 0_usize..500,
    ) {
        match framing.cut(&bytes) {
            Ok(Cut::Frame { payload, used }) => {
                prop_assert!(used > 0 && used <= bytes.len() && payload.start <= payload.end && payload.end <= used);
                prop_assert!(used <= framing.limit());
            }
            Ok(Cut::Need(need)) => {
                prop_assert!(need > bytes.len() && need <= framing.limit());
                // Bytes that end no frame need not be searched again.
                let mut more = bytes.clone();
                more.extend_from_slice(&bytes);
                prop_assert_eq!(framing.cut_after(&more, scanned.min(bytes.len())), framing.cut(&more));
            }
            Err(_) => {}
        }
    }
}
