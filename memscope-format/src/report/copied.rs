//! What a copy says of the recording that it was made of: it ends like any other file, and is as whole.

use crate::metadata::{CUT_DAMAGE, CUT_END, CUT_STREAMS, CUT_TICKS, END_LOST, ENDED};
use crate::reader::Reader;

/// What a label says of a recording, or of those that were merged.
pub(crate) fn says<'a>(reader: &'a Reader, label: &'static str) -> impl Iterator<Item = &'a str> {
    reader.metadata().into_iter().flat_map(move |metadata| metadata.label(label))
}

fn is_labelled(reader: &Reader, label: &'static str) -> bool {
    says(reader, label).next().is_some()
}

/// Whether it was cut out of a recording, of some streams or of some time.
pub(crate) fn is_part(reader: &Reader) -> bool {
    is_labelled(reader, CUT_STREAMS) || is_labelled(reader, CUT_TICKS)
}

/// Whether a part of the recording could not be read when it was copied.
pub(crate) fn is_of_damaged(reader: &Reader) -> bool {
    is_labelled(reader, CUT_DAMAGE)
}

/// Recordings in a copy that did not end by themselves.
pub(crate) fn cut_off(reader: &Reader) -> u64 {
    says(reader, CUT_END).count() as u64
}

/// Whether a program went on when its recording had ended.
pub(crate) fn was_stopped(reader: &Reader) -> bool {
    is_labelled(reader, ENDED)
}

/// Whether the last events of these were in the rings, and so are in the copy.
pub(crate) fn has_last_events(reader: &Reader) -> bool {
    is_labelled(reader, CUT_END) && says(reader, CUT_END).all(|end| end != END_LOST)
}

/// Whether rows are missing of which nobody knows how many there were.
pub(crate) fn lacks_rows(reader: &Reader) -> bool {
    is_part(reader) || is_of_damaged(reader) || says(reader, CUT_END).any(|end| end == END_LOST)
}

/// Whether what was read last is of the end of the recording, as it is if that ended by itself and nothing of it is missing.
pub(crate) fn has_last_reading(reader: &Reader) -> bool {
    let health = reader.health();
    let is_read =
        health.rest.is_none() && health.damage.iter().all(|damage| damage.rows == Some(0));
    let is_of_all =
        cut_off(reader) == 0 && !is_labelled(reader, CUT_TICKS) && !is_of_damaged(reader);
    health.complete && is_read && is_of_all
}
