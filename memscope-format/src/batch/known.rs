//! Events of which the batch has seen the like: their rows have shapes that it knows, and so are stored without being looked at.

use super::{Batch, Place, STATED, State};
use crate::event::{KEY, call_row, deep_key, drop_row, heap_kind, heap_row, is_drop};
use crate::hooks::HookTable;
use crate::raw::{RawKind, Slot, SlotHeader};
use crate::rows::{HeapKind, Lifecycle, LifecycleKind, SnapshotReason};

impl Batch {
    /// Appends the rows of events of one slot, as long as their shapes are known and there is room for them: most events.
    /// Returns how many. `born` is the value that the first slot's event bears, if it is a birth.
    #[inline(always)]
    pub(super) fn push_known(
        &mut self,
        hooks: &HookTable,
        born: u64,
        thread: u32,
        slots: &[Slot],
    ) -> usize {
        let Self { lifecycle, drop_chain, call, heap, container, .. } = self;
        let mut known = 0;
        for slot in slots {
            let Slot { w0: ts, header, p0, .. } = *slot;
            let kind = SlotHeader(header).kind();
            // What the shape says is not looked at in the rows below.
            if is_drop(kind, SlotHeader(header).flags()) {
                let Some(shape) = drop_chain.shape_of(deep_key(slot)) else { break };
                if drop_chain.is_block_full() {
                    break;
                }
                drop_chain.push_shaped(shape, drop_row(slot, 0, 0, thread));
            } else if kind == Some(RawKind::Call) {
                let Some(shape) = call.shape_of(deep_key(slot)) else { break };
                if call.is_block_full() {
                    break;
                }
                call.push_shaped(shape, call_row(slot, 0, thread));
            } else if let Some(kind @ (HeapKind::Alloc | HeapKind::AllocZeroed | HeapKind::Free)) =
                heap_kind(SlotHeader(header))
            {
                if SlotHeader(header).is_wide() {
                    break;
                }
                let Some(shape) = heap.shape_of(header & KEY) else { break };
                if heap.is_block_full() {
                    break;
                }
                let block = (kind != HeapKind::Free).then_some(born + known);
                heap.push_shaped(shape, heap_row(slot, kind, block, thread));
            } else {
                if lifecycle.is_block_full() {
                    break;
                }
                let value = if kind == Some(RawKind::Born) { born + known } else { p0 };
                let life = LifecycleKind::Born;
                let row =
                    Lifecycle { ts, kind: life, site: 0, type_id: 0, value, origin: 0, thread };
                if let Some(shape) = lifecycle.shape_of(header & KEY) {
                    lifecycle.push_shaped(shape, row);
                } else if kind == Some(RawKind::Born) {
                    // Of a container there are two rows.
                    let Some(shape) = lifecycle.shape_of(header & KEY | STATED) else { break };
                    let id = SlotHeader(header).hook();
                    let Some(hook) = hooks.get(id) else { break };
                    let at = Place { value, hook, field: 0, reason: SnapshotReason::Birth };
                    let Some(state_shape) = container.shape_of(at.key(id)) else { break };
                    let Some(def) = hook.container.filter(|_| !container.is_block_full()) else {
                        break;
                    };
                    lifecycle.push_shaped(shape, row);
                    container
                        .push_shaped(state_shape, at.row(ts, thread, def, &State::at_birth(slot)));
                } else {
                    break;
                }
            }
            known += 1;
        }
        self.events += known;
        known as usize
    }
}
