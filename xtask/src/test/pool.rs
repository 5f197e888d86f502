//! Runs suites concurrently within the machine's capacity: in order, each as soon as its weight fits.

use super::outcome::Finished;
use super::suite::{Suite, CAPACITY};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

struct Pool {
    queue: Mutex<Queue>,
    room: Condvar,
}

struct Queue {
    waiting: VecDeque<Suite>,
    free: usize,
}

/// Runs all suites, even after a failure.
pub(super) fn run(suites: Vec<Suite>, work: impl Fn(Suite) -> Finished + Sync) -> Vec<Finished> {
    let pool = Pool { queue: Mutex::new(Queue { waiting: suites.into(), free: CAPACITY }), room: Condvar::new() };
    let finished = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..CAPACITY {
            scope.spawn(|| {
                while let Some(suite) = pool.next() {
                    let weight = suite.weight();
                    let result = work(suite);
                    finished.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                    pool.leave(weight);
                }
            });
        }
    });
    finished.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Returns the next suite as soon as its weight fits.
    fn next(&self) -> Option<Suite> {
        let mut queue = self.lock();
        loop {
            let weight = queue.waiting.front()?.weight();
            if weight <= queue.free {
                queue.free -= weight;
                return queue.waiting.pop_front();
            }
            queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn leave(&self, weight: usize) {
        self.lock().free += weight;
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::outcome::Outcome;
    use super::super::suite::Kind;
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn runs_everything_within_the_capacity() {
        let suite = |name: &str, kind: Kind| Suite { name: name.into(), kind };
        let mut suites: Vec<_> = (0..6).map(|at| suite(&format!("rust/{at}"), Kind::RustDocs)).collect();
        suites.insert(3, suite("demo", Kind::Format));
        let total = suites.len();
        let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let finished = run(suites, |suite| {
            let weight = suite.weight();
            most.fetch_max(busy.fetch_add(weight, Ordering::SeqCst) + weight, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
            busy.fetch_sub(weight, Ordering::SeqCst);
            Finished { name: suite.name, outcome: Outcome::default(), seconds: Duration::ZERO }
        });
        assert_eq!(finished.len(), total);
        assert_eq!(most.into_inner(), CAPACITY);
    }
}
