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
            let header = SlotHeader(header);
            let key = header.0 & KEY;
            let kind = header.kind();
            // What the shape says is not looked at in the rows below.
            let life = |value| {
                let kind = LifecycleKind::Born;
                Lifecycle { ts, kind, site: 0, type_id: 0, value, origin: 0, thread }
            };
            match kind {
                Some(RawKind::Born) => {
                    if lifecycle.is_block_full() {
                        break;
                    }
                    let value = born + known;
                    if let Some(shape) = lifecycle.shape_of(key) {
                        lifecycle.push_shaped(shape, life(value));
                    } else {
                        // Of a container there are two rows.
                        let Some(shape) = lifecycle.shape_of(key | STATED) else { break };
                        let Some(hook) = hooks.get(header.hook()) else { break };
                        let at = Place { value, hook, field: 0, reason: SnapshotReason::Birth };
                        let states = container.shape_of(at.key(header.hook()));
                        let (Some(state_shape), Some(def)) = (states, hook.container) else {
                            break;
                        };
                        if container.is_block_full() {
                            break;
                        }
                        lifecycle.push_shaped(shape, life(value));
                        let state = State::at_birth(slot);
                        container.push_shaped(state_shape, at.row(ts, thread, def, &state));
                    }
                }
                Some(RawKind::End) if is_drop(kind, header.flags()) => {
                    let Some(shape) = drop_chain.shape_of(deep_key(slot)) else { break };
                    if drop_chain.is_block_full() {
                        break;
                    }
                    drop_chain.push_shaped(shape, drop_row(slot, 0, 0, thread));
                }
                Some(RawKind::End) => {
                    let Some(shape) = lifecycle.shape_of(key) else { break };
                    if lifecycle.is_block_full() {
                        break;
                    }
                    lifecycle.push_shaped(shape, life(p0));
                }
                Some(RawKind::Call) => {
                    let Some(shape) = call.shape_of(deep_key(slot)) else { break };
                    if call.is_block_full() {
                        break;
                    }
                    call.push_shaped(shape, call_row(slot, 0, thread));
                }
                Some(RawKind::Alloc | RawKind::Free) if !header.is_wide() => {
                    let Some(shape) = heap.shape_of(key) else { break };
                    if heap.is_block_full() {
                        break;
                    }
                    let Some(kind) = heap_kind(header) else { break };
                    let block = (kind != HeapKind::Free).then_some(born + known);
                    heap.push_shaped(shape, heap_row(slot, kind, block, thread));
                }
                _ => break,
            }
            known += 1;
        }
        self.events += known;
        known as usize
    }
}
