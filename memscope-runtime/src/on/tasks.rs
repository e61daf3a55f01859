//! Tasks: the futures of async functions, where they were spawned, and their polls.

use super::calls::Begun;
use super::executor;
use super::inspect::Sight;
use super::recorder::{self, Recorder};
use super::returns::{RecordReturned, ReturnsTo, Unrecorded};
use super::shape::NO_TYPE;
use super::site::{Hook, Site};
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use memscope_format::raw::{RawKind, flags};
use memscope_format::rows::TaskKind;

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
pub const fn polled<T, F: Future<Output = T>>(task: Task, future: F) -> Polled<F, Unrecorded> {
    Polled { future, task, returned: Unrecorded }
}

/// As [`polled`], and records what the future gives as a value at the site `returned`.
#[inline(always)]
pub const fn polled_returning<T, F: Future<Output = T>, S: Sight<T>>(
    task: Task,
    returned: &'static Site,
    _: S,
    future: F,
) -> Polled<F, ReturnsTo<S>> {
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
pub struct Task {
    site: &'static Site,
    /// `None` if that is unknown.
    spawned: Option<Spawned>,
    /// The ring and position of its begin; 0 before, if it could not be recorded, or if it is left out.
    id: u64,
    left_out: bool,
    state: State,
}

/// How a task was spawned.
#[derive(Debug, Clone, Copy)]
struct Spawned {
    /// Where its function was called.
    at: &'static Location<'static>,
    /// Where the compiler may say that it was, if it called it itself: see [`is_call`](super::places::is_call).
    definition: &'static Location<'static>,
    /// The task that was polled then; 0 if none was, or one that is left out.
    spawner: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Begun,
    Ended,
}

impl Task {
    /// That of a future of which nobody says where it was spawned.
    #[inline(always)]
    #[must_use]
    pub const fn new(site: &'static Site) -> Self {
        Self { site, spawned: None, id: 0, left_out: false, state: State::New }
    }

    /// That of a future which is made now, where the function is called that calls this; `definition` is where the attribute is, or
    /// the macro that it stands in.
    #[inline(always)]
    #[must_use]
    #[track_caller]
    pub fn spawned(site: &'static Site, definition: &'static Location<'static>) -> Self {
        let spawner = recorder::current().map_or(0, Recorder::task);
        let spawned = Spawned { at: Location::caller(), definition, spawner };
        Self { spawned: Some(spawned), ..Self::new(site) }
    }

    /// Records that it begins, within another one if that is not 0.
    fn start(&mut self, recorder: &Recorder, hook: &'static Hook, parent: u64) {
        let executor = executor::task_id().map_or(0, |id| id.saturating_add(1));
        let (kind, payload) = (TaskKind::Started as u8, [parent, executor]);
        // Before the time is read, since it may take a while.
        let spawned = self.spawned.and_then(|Spawned { at, definition, spawner }| {
            hook.places.text(self.site, at, definition).map(|place| (place, spawner))
        });
        let now = recorder.now();
        let begin = match spawned {
            Some((place, spawner)) => {
                let second = (place.into(), [spawner, 0]);
                recorder.emit_wide(hook.id, RawKind::Task, kind, now, payload, second)
            }
            None => recorder.emit(hook.id, RawKind::Task, kind, now, payload),
        };
        self.id = begin.map_or(0, |position| recorder.value(position));
    }

    /// Records that it has ended, unless it has before, or has not begun. Who polls a future that has ended makes it panic.
    fn end(&mut self, kind: TaskKind) {
        if self.state != State::Begun {
            return;
        }
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
        self.end(TaskKind::Cancelled);
    }
}

/// One poll, which ends when this is dropped.
struct Turn<'a> {
    task: &'a mut Task,
    begun: Begun,
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
            // A task is chosen as a whole.
            if task.state == State::New {
                task.left_out = recorder.random.choose(hook.chance).is_err();
            }
            if task.left_out {
                return Some(Begun::left_out(recorder, task.site));
            }
            if task.state == State::New {
                task.start(recorder, hook, outer);
                recorder.swap_task(task.id);
            }
            Some(Begun::now(recorder, task.site, hook))
        });
        if task.state == State::New {
            task.state = State::Begun;
        }
        let begun = begun.flatten().unwrap_or(Begun::Nothing);
        Self { task, begun, outer, pending: false, returned: false }
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.begun, Begun::Nothing) {
            let outcome = match self.pending {
                _ if !self.returned => flags::PANICKING,
                true => flags::PENDING,
                false => 0,
            };
            let _ = recorder::with(|recorder| {
                self.begun.end(recorder, self.task.id, Some(outcome));
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
