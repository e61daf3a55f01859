//! Calls of functions, and tasks: the futures of async functions.

use super::executor;
use super::inspect::Sight;
use super::recorder::{self, Recorder};
use super::returns::{RecordReturned, ReturnsTo, Unrecorded};
use super::shape::NO_TYPE;
use super::site::{Hook, Site};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use memscope_format::raw::{DURATION_UNKNOWN, RawKind, flags};
use memscope_format::rows::TaskKind;

/// Stands at the beginning of a function's body, so that it is dropped last: the call's end.
#[derive(Debug)]
#[must_use]
pub struct Call {
    begun: Option<Begun>,
}

/// A call that has begun.
#[derive(Debug, Clone, Copy)]
struct Begun {
    hook: &'static Hook,
    start: u64,
    depth: u32,
    /// Whether the thread was unwinding already.
    panicking: bool,
}

impl Call {
    /// Notes that a function begins.
    #[inline(always)]
    pub fn enter(site: &'static Site) -> Self {
        let begun = recorder::with(|recorder| {
            let hook = site.hook(&NO_TYPE)?;
            Some(Begun::now(recorder, hook))
        });
        Self { begun: begun.flatten() }
    }
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(begun) = self.begun {
            let _ = recorder::with(|recorder| begun.end(recorder, 0, 0));
        }
    }
}

impl Begun {
    #[inline(always)]
    fn now(recorder: &Recorder, hook: &'static Hook) -> Self {
        let (depth, panicking) = (recorder.open_call(), std::thread::panicking());
        Self { hook, start: recorder.now(), depth, panicking }
    }

    /// Records the end, on the thread that it began on.
    #[inline(always)]
    fn end(self, recorder: &Recorder, task: u64, outcome: u8) {
        let end = recorder.now();
        recorder.close_call(self.depth);
        let unwound =
            if !self.panicking && std::thread::panicking() { flags::PANICKING } else { 0 };
        let duration = end.saturating_sub(self.start).min(DURATION_UNKNOWN - 1);
        let depth = u64::from(self.depth.min(u32::from(u16::MAX)));
        let payload = [task, duration | depth << 48];
        recorder.emit(self.hook.id, RawKind::Call, outcome | unwound, end, payload);
    }
}

/// A future of which each poll is recorded, whether it came to its end, and, if `R` says so, what it gave.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Polled<F, R> {
    future: F,
    /// Dropped after the future, whose variables end within the task.
    task: Task,
    returned: R,
}

/// Records the polls of a future. `T` is what it gives, written out where the function says it, so that the future's body is
/// checked against it as it would be without this.
#[inline(always)]
pub const fn polled<T, F: Future<Output = T>>(
    site: &'static Site,
    future: F,
) -> Polled<F, Unrecorded> {
    Polled { future, task: Task { site, id: 0, state: State::New }, returned: Unrecorded }
}

/// As [`polled`], and records what the future gives as a value at the site `returned`.
#[inline(always)]
pub const fn polled_returning<T, F: Future<Output = T>, S: Sight<T>>(
    site: &'static Site,
    returned: &'static Site,
    _: S,
    future: F,
) -> Polled<F, ReturnsTo<S>> {
    let task = Task { site, id: 0, state: State::New };
    Polled { future, task, returned: ReturnsTo::at(returned) }
}

impl<F: Future, R: RecordReturned<F::Output>> Future for Polled<F, R> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned whenever `self` is: it is not moved here, nothing else gives it out, and `Polled` has
        // no `Drop` of its own. `task` and `returned` are never pinned.
        let (future, task, returned) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &mut this.task, &this.returned)
        };
        let mut turn = Turn::begin(task);
        let result = future.poll(context);
        if let Poll::Ready(value) = &result {
            returned.record(value);
        }
        turn.pending = result.is_pending();
        turn.returned = true;
        result
    }
}

/// What is known of a task.
#[derive(Debug)]
struct Task {
    site: &'static Site,
    /// The ring and position of its begin; 0 before, or if it could not be recorded.
    id: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Begun,
    Ended,
}

impl Task {
    fn end(&mut self, kind: TaskKind) {
        self.state = State::Ended;
        if self.id != 0 {
            let _ = recorder::with(|recorder| {
                let hook = self.site.hook(&NO_TYPE)?;
                let payload = [self.id, 0];
                recorder.emit(hook.id, RawKind::Task, kind as u8, recorder.now(), payload)
            });
        }
    }
}

impl Drop for Task {
    #[inline]
    fn drop(&mut self) {
        if self.state == State::Begun {
            self.end(TaskKind::Cancelled);
        }
    }
}

/// One poll, which ends when this is dropped.
struct Turn<'a> {
    task: &'a mut Task,
    begun: Option<Begun>,
    /// The task that was being polled before.
    outer: u64,
    pending: bool,
    /// Whether the poll came back at all.
    returned: bool,
}

impl<'a> Turn<'a> {
    #[inline]
    fn begin(task: &'a mut Task) -> Self {
        let mut outer = 0;
        let begun = recorder::with(|recorder| {
            let hook = task.site.hook(&NO_TYPE)?;
            outer = recorder.swap_task(task.id);
            let begun = Begun::now(recorder, hook);
            if task.state == State::New {
                let executor = executor::task_id().map_or(0, |id| id.saturating_add(1));
                let (kind, payload) = (TaskKind::Started as u8, [outer, executor]);
                let begin = recorder.emit(hook.id, RawKind::Task, kind, begun.start, payload);
                task.id = begin.map_or(0, |position| recorder.value(position));
                recorder.swap_task(task.id);
            }
            Some(begun)
        });
        task.state = State::Begun;
        Self { task, begun: begun.flatten(), outer, pending: false, returned: false }
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(begun) = self.begun {
            let pending = if self.pending { flags::PENDING } else { 0 };
            let _ = recorder::with(|recorder| {
                begun.end(recorder, self.task.id, pending);
                recorder.swap_task(self.outer);
            });
        }
        if !self.returned {
            self.task.end(TaskKind::Unwound);
        } else if !self.pending {
            self.task.end(TaskKind::Completed);
        }
    }
}
