//! Progress of concurrent steps, with a line every few seconds about those that are running.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(5);

/// The steps of a command. Lines go to standard error, each with the seconds since the command began.
#[derive(Clone)]
pub(crate) struct Progress {
    board: Arc<Mutex<Board>>,
}

struct Board {
    begun: Instant,
    last_line: Instant,
    under_way: Vec<(String, Instant)>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { board: Arc::new(Mutex::new(Board { begun: now, last_line: now, under_way: Vec::new() })) }
    }

    /// Does the work of a step, which is listed while it runs and reported when it ends.
    pub(crate) fn step<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let (result, duration) = self.timed(name, work);
        // A step that had nothing to do needs no line.
        if duration >= Duration::from_secs(1) {
            self.board().say(&format!("{name}: {}", seconds(duration)));
        }
        result
    }

    /// Does the work of a step, which is only listed while it runs.
    pub(crate) fn timed<T>(&self, name: &str, work: impl FnOnce() -> T) -> (T, Duration) {
        let begun = Instant::now();
        self.board().under_way.push((name.to_owned(), begun));
        let result = work();
        self.board().under_way.retain(|(each, since)| each != name || *since != begun);
        (result, begun.elapsed())
    }

    /// Prints a result to standard output.
    pub(crate) fn line(&self, text: &str) {
        self.board().last_line = Instant::now();
        println!("{text}");
    }

    /// Time since the command began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.board().begun.elapsed()
    }

    /// Prints the running steps every few seconds until the program ends.
    pub(crate) fn watch(&self) {
        let progress = self.clone();
        thread::spawn(move || loop {
            thread::sleep(Duration::from_secs(1));
            let mut board = progress.board();
            if !board.under_way.is_empty() && board.last_line.elapsed() >= INTERVAL {
                let text = describe(&board.under_way, Instant::now());
                board.say(&text);
            }
        });
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn say(&mut self, text: &str) {
        eprintln!("[{:>4}] {text}", seconds(self.begun.elapsed()));
        self.last_line = Instant::now();
    }
}

/// Describes the running steps, oldest first.
fn describe(under_way: &[(String, Instant)], now: Instant) -> String {
    let steps = under_way.iter().map(|(name, since)| format!("{name} ({})", seconds(now.duration_since(*since))));
    format!("running: {}", steps.collect::<Vec<_>>().join(", "))
}

/// Formats a duration, such as `7 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_under_way_are_named_with_their_age() {
        let now = Instant::now();
        let since = |age: u64| now.checked_sub(Duration::from_secs(age)).unwrap_or(now);
        let under_way = [("install pkg".to_owned(), since(12)), ("compile wasm/edge".to_owned(), since(3))];
        assert_eq!(describe(&under_way, now), "running: install pkg (12 s), compile wasm/edge (3 s)");
    }

    #[test]
    fn a_step_that_has_ended_is_no_longer_under_way() {
        let progress = Progress::new();
        assert_eq!(progress.step("one", || progress.step("two", || progress.board().under_way.len())), 2);
        assert!(progress.board().under_way.is_empty());
    }
}
