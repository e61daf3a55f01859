//! The same tasks on three executors of several threads. The program notes itself which thread each poll was on.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake};

/// Threads of an executor.
const WORKERS: usize = 3;
/// Tasks that are spawned.
pub(crate) const SPAWNED: usize = 40;

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completes,
    Unwinds,
    IsDropped,
}

pub(crate) const fn end_of(number: usize) -> End {
    match number % 4 {
        0 | 1 => End::Completes,
        2 => End::Unwinds,
        _ => End::IsDropped,
    }
}

/// Is ready after so many polls, and has itself polled again at once.
struct Yields(usize);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The ids of the threads that polled, in order.
type Polls = Arc<Mutex<Vec<i64>>>;

/// Notes the polls of a future, which it catches the panics of, and which it drops after so many.
struct Watched<F> {
    future: Option<Pin<Box<F>>>,
    polls: Polls,
    dropped_after: usize,
}

impl<F> Watched<F> {
    fn new(future: F, polls: &Polls, dropped_after: usize) -> Self {
        Self { future: Some(Box::pin(future)), polls: Arc::clone(polls), dropped_after }
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // SAFETY: the call has no preconditions.
        let thread = unsafe { libc::syscall(libc::SYS_gettid) };
        let polled = {
            let mut polls = this.polls.lock().unwrap();
            polls.push(thread);
            polls.len()
        };
        let future = this.future.as_mut().unwrap().as_mut();
        let result = catch_unwind(AssertUnwindSafe(|| future.poll(context)));
        if matches!(result, Ok(Poll::Pending)) && polled < this.dropped_after {
            return Poll::Pending;
        }
        this.future = None;
        Poll::Ready(())
    }
}

#[memscope::track]
async fn spawned(number: usize, inner: Polls) {
    Yields(number % 5).await;
    // What unwinds goes on to unwind this.
    let mut within = Box::pin(within(number));
    std::future::poll_fn(|context| {
        // SAFETY: the call has no preconditions.
        inner.lock().unwrap().push(unsafe { libc::syscall(libc::SYS_gettid) });
        within.as_mut().poll(context)
    })
    .await;
    Yields(number % 3).await;
}

#[memscope::track]
async fn within(number: usize) {
    let held = vec![number];
    Yields(number + 1).await;
    assert!(end_of(number) != End::Unwinds, "as it is to");
    drop(held);
}

/// Spawns all from within a task.
#[memscope::track]
async fn spawner(
    spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>),
    notes: Arc<[[Polls; 2]]>,
) {
    for (number, [outer, inner]) in notes.iter().enumerate() {
        // In the middle of what is within.
        let dropped_after = match end_of(number) {
            End::IsDropped => number % 5 + 1 + number / 2,
            End::Completes | End::Unwinds => usize::MAX,
        };
        spawn(Box::pin(Watched::new(spawned(number, Arc::clone(inner)), outer, dropped_after)));
    }
}

fn notes() -> Arc<[[Polls; 2]]> {
    std::panic::set_hook(Box::new(|_| {}));
    (0..SPAWNED).map(|_| [Polls::default(), Polls::default()]).collect()
}

/// Tells the parent of each task which threads polled it, and which what is within.
fn tell(notes: &[[Polls; 2]]) {
    for (number, polls) in notes.iter().enumerate() {
        let [outer, inner] = polls.each_ref().map(|polls| {
            let polls: Vec<_> = polls.lock().unwrap().iter().map(i64::to_string).collect();
            polls.join(",")
        });
        println!("polls {number} {outer} {inner}");
    }
}

pub(super) fn tokio() {
    let notes = notes();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).build().unwrap();
    let tasks = Mutex::new(Vec::new());
    let spawn = |task| tasks.lock().unwrap().push(runtime.spawn(task));
    runtime.block_on(spawner(spawn, Arc::clone(&notes)));
    for task in tasks.into_inner().unwrap() {
        runtime.block_on(task).unwrap();
    }
    tell(&notes);
}

pub(super) fn smol() {
    let notes = notes();
    let executor = smol::Executor::new();
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| smol::block_on(executor.run(stopped.recv())));
        }
        let tasks = Mutex::new(Vec::new());
        let spawn = |task| tasks.lock().unwrap().push(executor.spawn(task));
        smol::block_on(executor.run(spawner(spawn, Arc::clone(&notes))));
        for task in tasks.into_inner().unwrap() {
            smol::block_on(task);
        }
        drop(stop);
    });
    tell(&notes);
}

/// An executor whose workers only steal: what a thread woke, another one polls, so that a task moves with every poll.
struct Thieves {
    /// Of each worker, what was woken while it polled; and one for the thread that spawns.
    woken: Mutex<[VecDeque<Arc<Stolen>>; WORKERS + 1]>,
    changed: Condvar,
    unfinished: AtomicUsize,
}

struct Stolen {
    /// Until it is ready.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    executor: Arc<Thieves>,
    /// The worker that polls it.
    at: AtomicUsize,
}

impl Wake for Stolen {
    fn wake(self: Arc<Self>) {
        let at = self.at.load(Ordering::SeqCst);
        let executor = Arc::clone(&self.executor);
        executor.woken.lock().unwrap()[at].push_back(self);
        executor.changed.notify_all();
    }
}

impl Thieves {
    fn steal(&self, worker: usize) -> Option<Arc<Stolen>> {
        let mut woken = self.woken.lock().unwrap();
        loop {
            let others = (1..=WORKERS).map(|n| (worker + n) % (WORKERS + 1));
            for other in others {
                if let Some(task) = woken[other].pop_front() {
                    return Some(task);
                }
            }
            if self.unfinished.load(Ordering::SeqCst) == 0 {
                return None;
            }
            woken = self.changed.wait(woken).unwrap();
        }
    }

    fn work(&self, worker: usize) {
        while let Some(task) = self.steal(worker) {
            // Another may hold it still, which woke it while it polled.
            let mut slot = task.future.lock().unwrap();
            // What was dropped in the middle had been woken.
            let Some(future) = slot.as_mut() else { continue };
            task.at.store(worker, Ordering::SeqCst);
            let waker = Arc::clone(&task).into();
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *slot = None;
                self.unfinished.fetch_sub(1, Ordering::SeqCst);
                // With the lock, so that none is between its look and its wait.
                drop(self.woken.lock().unwrap());
                self.changed.notify_all();
            }
        }
    }
}

pub(super) fn thieves() {
    let notes = notes();
    let executor = Arc::new(Thieves {
        woken: Mutex::default(),
        changed: Condvar::new(),
        unfinished: AtomicUsize::new(SPAWNED),
    });
    let spawn = |future| {
        let executor = Arc::clone(&executor);
        let at = AtomicUsize::new(WORKERS);
        Arc::new(Stolen { future: Mutex::new(Some(future)), executor, at }).wake();
    };
    smol::block_on(spawner(spawn, Arc::clone(&notes)));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let executor = &executor;
            scope.spawn(move || executor.work(worker));
        }
    });
    tell(&notes);
}
