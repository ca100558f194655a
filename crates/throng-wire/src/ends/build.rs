//! What fields mean, worked out from a protocol's description.

use super::{Compression, Ends, Role, Side, Slot};
use crate::codec::Codec;
use crate::framing::header::LENGTH;
use crate::framing::{FieldSpec, FieldType, Framing};
use crate::ids::Ids;
use crate::reply::Comparison;
use crate::spec::{CompressionSpec, FieldPlace, Fields, ProtocolError, ReplySpec};

/// The field with a message's number.
const ID: &str = "id";

/// What the fields of a protocol depend on.
pub(crate) struct Plan<'a> {
    pub(crate) header: Option<&'a Fields>,
    pub(crate) trailer: &'a Fields,
    pub(crate) framing: Option<&'a Framing>,
    pub(crate) reply: Option<&'a ReplySpec>,
    pub(crate) refused: Option<(&'a str, Comparison)>,
    pub(crate) compression: Option<&'a CompressionSpec>,
    pub(crate) ids: Option<Ids>,
}

impl Ends {
    /// The ends of a protocol; none where nothing stands around its bodies.
    pub(crate) fn build(plan: Plan<'_>, codec: &Codec) -> Result<Option<Ends>, ProtocolError> {
        let header = match plan.framing {
            Some(Framing::Header(framing)) => {
                Fields { send: framing.send.to_vec(), receive: framing.receive.to_vec() }
            }
            _ => plan.header.cloned().unwrap_or_default(),
        };
        if header.is_empty() && plan.trailer.is_empty() && plan.compression.is_none() {
            return Ok(None);
        }
        let mut sent = Side::new(&header.send, &plan.trailer.send)?;
        let mut received = Side::new(&header.receive, &plan.trailer.receive)?;
        if plan.ids.is_some() {
            for side in [&mut sent, &mut received] {
                let field = side.header.iter_mut().find(|slot| &*slot.name == ID);
                field.ok_or(ProtocolError::NoIdField)?.role = Role::Id;
            }
        }
        let session = match plan.reply {
            Some(ReplySpec::Field { place, name }) => {
                let widths = [sent.session(*place, name)?, received.session(*place, name)?];
                Some(widths[0].min(widths[1]))
            }
            _ => None,
        };
        let refused = match plan.refused {
            Some((name, comparison)) => received.test(name).then_some(comparison),
            None => None,
        };
        let compression = match plan.compression {
            Some(spec) => Some(compression(spec, &mut sent, &mut received, codec)?),
            None => None,
        };
        if let Some(ids) = &plan.ids {
            check_numbers(ids, &sent, &received, codec)?;
        }
        Ok(Some(Ends { sent, received, ids: plan.ids, session, refused, compression }))
    }

    /// Whether the field that tells a refusal is one of these.
    pub(crate) fn tests_refusal(&self) -> bool {
        self.refused.is_some()
    }
}

impl Side {
    fn new(header: &[FieldSpec], trailer: &[FieldSpec]) -> Result<Side, ProtocolError> {
        let slots = |fields: &[FieldSpec]| fields.iter().map(Slot::new).collect::<Box<[Slot]>>();
        let (header, trailer) = (slots(header), slots(trailer));
        let named: Vec<&str> =
            header.iter().chain(&trailer).map(|slot| &*slot.name).filter(|name| *name != "_").collect();
        for (index, name) in named.iter().enumerate() {
            if named[..index].contains(name) {
                return Err(ProtocolError::SameFieldName { name: (*name).to_owned() });
            }
        }
        let sizes: Option<usize> = trailer.iter().map(|slot| slot.ty.size()).sum();
        let trailer_size = sizes.ok_or(ProtocolError::VarintTrailer)?;
        Ok(Side { header, trailer, trailer_size })
    }

    /// Gives the field the session, and says the greatest it can hold.
    fn session(&mut self, place: FieldPlace, name: &str) -> Result<i64, ProtocolError> {
        let slots = match place {
            FieldPlace::Header => &mut self.header,
            FieldPlace::Trailer => &mut self.trailer,
        };
        let candidates = || slots.iter().map(|slot| slot.name.to_string()).collect();
        let Some(index) =
            slots.iter().position(|slot| &*slot.name == name && slot.role == Role::Plain && name != LENGTH)
        else {
            return Err(ProtocolError::UnknownEnd { place, name: name.to_owned(), candidates: candidates() });
        };
        slots[index].role = Role::Session;
        Ok(i64::try_from(slots[index].ty.greatest()).unwrap_or(i64::MAX).max(1))
    }

    /// Marks the field that tells a refusal, if it is here.
    fn test(&mut self, name: &str) -> bool {
        let field = self.header.iter_mut().chain(&mut self.trailer).find(|slot| &*slot.name == name);
        field.map(|slot| slot.tested = true).is_some()
    }

    /// Gives a header field the bits that say that the body is compressed.
    fn flag(&mut self, name: &str, bits: i64) -> Result<(), ProtocolError> {
        let candidates: Vec<String> = self.header.iter().map(|slot| slot.name.to_string()).collect();
        let field = self.header.iter_mut().find(|slot| &*slot.name == name && name != LENGTH);
        let slot = field.ok_or(ProtocolError::UnknownEnd {
            place: FieldPlace::Header,
            name: name.to_owned(),
            candidates,
        })?;
        let fits = bits != 0 && matches!(slot.ty, FieldType::Whole { .. }) && slot.ty.holds(bits);
        if !fits || matches!(slot.role, Role::Session | Role::Constant(_)) {
            return Err(ProtocolError::Flag { field: name.to_owned() });
        }
        slot.flag = bits;
        Ok(())
    }
}

impl Slot {
    fn new(field: &FieldSpec) -> Slot {
        let role = field.constant.filter(|_| !field.is_padding()).map_or(Role::Plain, Role::Constant);
        Slot { name: field.name.clone(), ty: field.ty, role, flag: 0, tested: false }
    }
}

/// Whether a header of either direction can say each number.
fn check_numbers(ids: &Ids, sent: &Side, received: &Side, codec: &Codec) -> Result<(), ProtocolError> {
    let fields =
        || [sent, received].into_iter().flat_map(|side| &side.header).filter(|slot| slot.role == Role::Id);
    let too_wide = |(number, _): &(i64, _)| !fields().any(|slot| slot.carries(*number));
    let Some((number, message)) = ids.pairs().find(too_wide) else { return Ok(()) };
    let name = codec.message_name(message).unwrap_or(crate::names::OTHER).to_owned();
    Err(ProtocolError::WideId { name, number, flagged: fields().any(|slot| slot.flag != 0) })
}

fn compression(
    spec: &CompressionSpec,
    sent: &mut Side,
    received: &mut Side,
    codec: &Codec,
) -> Result<Compression, ProtocolError> {
    if codec.is_packed() {
        return Err(ProtocolError::PackedCompression);
    }
    if let Some((field, bits)) = &spec.flag {
        sent.flag(field, *bits)?;
        received.flag(field, *bits)?;
    }
    Ok(Compression {
        compressor: spec.compressor,
        above: spec.above,
        flagged: spec.flag.is_some(),
        limit: spec.max,
    })
}
