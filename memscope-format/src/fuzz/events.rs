//! Events as the hooks wrote them.

use super::repair::repair_head;
use crate::batch::Batch;
use crate::chunk::Rows;
use crate::codec::Codec;
use crate::defs::{ContainerDef, ContainerKind, Defs, FieldDef, HookDef, TypeDef};
use crate::frame::{Encoding, FrameHeader, FrameType};
use crate::header::{u32_at, u64_at};
use crate::hooks::HookTable;
use crate::raw::{self, RawChunk, SLOT_LEN, Slot, SlotHeader, head_len};
use crate::record::{Event, StreamVisitor};
use crate::{Error, Sealed};

/// Hooks of each kind: of a container, of a type with one in its second field, of one without size, of a counted handle,
/// and of a function. 0, 6 and 7 are not defined.
fn hooks() -> HookTable {
    let of = |kind, element_size| Some(ContainerDef { kind, element_size });
    let field = |container| FieldDef {
        name: String::new(),
        type_name: String::new(),
        variant: None,
        offset: None,
        size: 8,
        align: 8,
        container,
        marker: None,
    };
    let types =
        [(of(ContainerKind::Vec, 2), 24), (None, 32), (None, 0), (of(ContainerKind::Rc, 8), 8)];
    let types = (1..).zip(types).map(|(id, (container, size))| TypeDef {
        id,
        name: String::new(),
        size,
        align: 8,
        needs_drop: true,
        has_niche: false,
        container,
        fields: Some(vec![field(None), field(of(ContainerKind::String, 1))]),
    });
    let hooks = (1..=5).map(|id| HookDef { id, site: id, type_id: id % 5 });
    let mut table = HookTable::new();
    table.extend(&Defs { types: types.collect(), hooks: hooks.collect(), ..Defs::default() });
    table
}

/// A RAW frame: the number of its events, then its payload, whose checksum is made right first. What is decoded has the rows
/// that were said.
pub(super) fn raw(data: &[u8]) {
    let Some((&[rows_low, rows_high], payload)) = data.split_first_chunk() else { return };
    let mut payload = payload.to_vec();
    repair_head(&mut payload);
    let Some(raw_len) = raw_len(&payload) else { return };
    let header = FrameHeader {
        raw_len,
        stored_len: payload.len() as u32,
        rows: u32::from(u16::from_le_bytes([rows_low, rows_high])),
        ..Sealed::template(FrameType::RAW, Encoding::Slots)
    };
    if header.beyond_limit().is_some() {
        return;
    }
    let Ok(chunks) = raw::decode(&header, &payload, 0, &hooks()) else { return };
    for chunk in &chunks {
        if let Some(stream) = chunk.frame_type().stream() {
            stream.visit(&mut Decoded(chunk));
        }
    }
}

/// What the head of a payload says that this is long when nothing in it is compressed.
fn raw_len(payload: &[u8]) -> Option<u32> {
    let head = head_len(*payload.get(3)?) as u32;
    let slots = payload.get(12..16).map(|bytes| u32_at(bytes, 0))?;
    slots.checked_mul(SLOT_LEN as u32)?.checked_add(head)
}

/// Decodes the rows of a chunk that was made of events.
struct Decoded<'a>(&'a Sealed);

impl StreamVisitor for Decoded<'_> {
    type Output = ();

    fn visit<R: Event>(&mut self) {
        let Sealed { header, padded } = self.0;
        let payload = &padded[..header.stored_len as usize];
        let rows: Result<Vec<R>, Error> =
            Rows::decode(header, payload, 0).and_then(Iterator::collect);
        let rows = rows.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rows.len(), header.rows as usize, "as many rows as were said");
        let times = || rows.iter().filter_map(|row| row.number("ts"));
        let said = (Some(header.t_min), Some(header.t_max));
        assert_eq!((times().min(), times().max()), said, "the times that were said");
    }
}

/// Slots as they come from a ring: those that a RAW frame takes are decoded to what they are encoded to at once.
///
/// Two bits of a lap mark say how many pads come before the slot, and three of a hook which it is.
pub(super) fn slots(data: &[u8]) {
    let hooks = hooks();
    let mut position = 0;
    let mut chunk = RawChunk::new(3, 5);
    let mut batch = Batch::new(Codec::None);
    let mut slots = data.chunks_exact(SLOT_LEN);
    while let Some(bytes) = slots.next() {
        let first = slot(bytes);
        let header = SlotHeader(first.header);
        position += u64::from(header.lap() % 4);
        let is_wide = header.is_wide();
        let second = if is_wide { slots.next().map(slot) } else { None };
        if is_wide && second.is_none() {
            break;
        }
        let second = second.as_ref();
        let taken = chunk.push(&hooks, position, &first, second);
        if taken.is_ok() {
            // What would not be decoded is not to be copied.
            let encoded = batch.push(&hooks, 3, 5, position, &first, second);
            assert_eq!(encoded, Ok(()), "{first:?} {second:?}");
            position += 1 + u64::from(is_wide);
        }
    }
    let events = chunk.events();
    assert_eq!(events as u64, batch.events);
    let Some(sealed) = chunk.seal(Codec::Lz4) else { return };
    let payload = &sealed.padded[..sealed.header.stored_len as usize];
    let decoded = raw::decode(&sealed.header, payload, 0, &hooks);
    assert_eq!(decoded.unwrap_or_else(|error| panic!("{error}")), batch.seal());
}

fn slot(bytes: &[u8]) -> Slot {
    let header = u64_at(bytes, 8) & !0xFFFF_FFF8;
    Slot { w0: u64_at(bytes, 0), header, p0: u64_at(bytes, 16), p1: u64_at(bytes, 24) }
}
