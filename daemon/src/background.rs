//! Work that a file system may hold up, off the event loop: each [`Background`] has a thread while it has work to do.
//!
//! Jobs run one after the other, in their order. The event loop hands them in, hears of each result by its waker, and
//! never waits for one; at the end of the process it does, for a bounded time. Invariant: a job that hangs holds up the
//! jobs behind it and nothing else, and no more than [`limits::BACKGROUND_JOBS`] wait.

use lineswarm_proto::limits;
use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, fmt, io, sync::Arc, thread::Builder, time::Instant};

type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// Wakes the event loop.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// Why a job was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0} jobs wait already: the file system does not answer")]
    Full(usize),
    #[error("no thread: {0}")]
    NoThread(#[from] io::Error),
}

/// See the module.
pub(crate) struct Background<T> {
    name: &'static str,
    wake: Wake,
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    idle: Condvar,
}

struct Queue<T> {
    jobs: VecDeque<Job<T>>,
    done: VecDeque<T>,
    has_thread: bool,
    is_running: bool,
}

impl<T> Queue<T> {
    fn is_idle(&self) -> bool {
        !self.is_running && self.jobs.is_empty()
    }
}

impl<T: Send + 'static> Background<T> {
    /// `name` is the thread's.
    pub(crate) fn new(name: &'static str, wake: Wake) -> Self {
        let queue =
            Queue { jobs: VecDeque::new(), done: VecDeque::new(), has_thread: false, is_running: false };
        Self { name, wake, shared: Arc::new(Shared { queue: Mutex::new(queue), idle: Condvar::new() }) }
    }

    /// Runs it after those before it.
    pub(crate) fn run(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<(), Refused> {
        let mut queue = self.shared.queue.lock();
        if queue.jobs.len() >= limits::BACKGROUND_JOBS {
            return Err(Refused::Full(limits::BACKGROUND_JOBS));
        }
        queue.jobs.push_back(Box::new(job));
        if !queue.has_thread {
            let (shared, wake) = (Arc::clone(&self.shared), Arc::clone(&self.wake));
            let thread = Builder::new().name(self.name.into()).spawn(move || work(&shared, &wake));
            if let Err(error) = thread {
                queue.jobs.pop_back();
                return Err(error.into());
            }
            queue.has_thread = true;
        }
        Ok(())
    }

    /// In place of those that wait; one that runs goes on.
    pub(crate) fn run_instead(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<(), Refused> {
        self.shared.queue.lock().jobs.clear();
        self.run(job)
    }

    /// The oldest result that was not taken.
    pub(crate) fn next_done(&self) -> Option<T> {
        self.shared.queue.lock().done.pop_front()
    }

    /// Something runs or waits.
    pub(crate) fn is_busy(&self) -> bool {
        !self.shared.queue.lock().is_idle()
    }

    /// Waits until nothing runs or waits, or until `until`: false then. For the end of the process.
    pub(crate) fn finish(&self, until: Instant) -> bool {
        let mut queue = self.shared.queue.lock();
        while !queue.is_idle() {
            if self.shared.idle.wait_until(&mut queue, until).timed_out() {
                return queue.is_idle();
            }
        }
        true
    }
}

/// What a thread does, until there is no more to do.
fn work<T>(shared: &Shared<T>, wake: &Wake) {
    loop {
        let job = {
            let mut queue = shared.queue.lock();
            let Some(job) = queue.jobs.pop_front() else {
                queue.has_thread = false;
                return;
            };
            queue.is_running = true;
            job
        };
        let result = job();
        {
            let mut queue = shared.queue.lock();
            queue.done.push_back(result);
            queue.is_running = false;
            if queue.is_idle() {
                shared.idle.notify_all();
            }
        }
        wake();
    }
}

impl<T> fmt::Debug for Background<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.queue.lock().jobs.len();
        f.debug_struct("Background")
            .field("name", &self.name)
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

/// For what needs no event loop to hear of it.
#[cfg(test)]
pub(crate) fn nobody() -> Wake {
    Arc::new(|| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn jobs_run_in_their_order_and_each_result_wakes_the_loop() {
        let (woken, wakes) = bounded(100);
        let background = Background::new("test", Arc::new(move || woken.try_send(()).unwrap_or_default()));
        for n in 0..10 {
            background.run(move || n).unwrap();
        }
        let mut seen = Vec::new();
        while seen.len() < 10 {
            wakes.recv_timeout(Duration::from_secs(60)).unwrap();
            seen.extend(std::iter::from_fn(|| background.next_done()));
        }
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
        assert!(background.finish(soon()) && !background.is_busy());
    }

    #[test]
    fn a_job_that_hangs_is_not_waited_for_and_what_waits_behind_it_is_bounded() {
        let background = Background::new("test", nobody());
        let (release, held) = bounded::<()>(0);
        background.run(move || held.recv().unwrap_or_default()).unwrap();
        while background.shared.queue.lock().jobs.front().is_some() {
            std::thread::yield_now();
        }
        for _ in 0..limits::BACKGROUND_JOBS {
            background.run(|| ()).unwrap();
        }
        assert!(matches!(background.run(|| ()), Err(Refused::Full(_))));
        background.run_instead(|| ()).unwrap();
        assert!(!background.finish(Instant::now()) && background.is_busy());
        drop(release);
        assert!(background.finish(soon()));
        assert_eq!(std::iter::from_fn(|| background.next_done()).count(), 2);
    }
}
