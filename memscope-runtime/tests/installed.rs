//! Whether an allocator is watched is known, and never taken for a program that allocates nothing.

#[test]
fn the_feature_alloc_watches_the_programs_allocator_and_without_it_nothing_is_counted() {
    let before = memscope::heap();
    let block = std::hint::black_box(vec![0_u8; 1 << 20]);
    let after = memscope::heap();
    if cfg!(feature = "alloc") {
        let live = |heap: Option<memscope::Heap>| heap.expect("it is watched").program.live_bytes();
        assert!(live(after) >= live(before) + (1 << 20));
        assert!(memscope::thread_heap().is_some());
    } else {
        assert_eq!((before, after, memscope::thread_heap()), (None, None, None));
    }
    drop(block);
}
