//! Blocking work on a thread of its own, so that it can be awaited on any executor.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use tokio::sync::oneshot;

/// Runs `work` on a new thread and waits for it. Other tasks of the caller's executor run
/// meanwhile. A panic of `work` goes on in the caller.
pub(crate) async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waits) = oneshot::channel();
    thread::spawn(move || {
        // A caller that has stopped waiting needs no result.
        let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
    });
    match waits
        .await
        .expect("the thread sends its result, or that of the panic")
    {
        Ok(result) => result,
        Err(panic) => resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn other_tasks_run_meanwhile() {
        let (say, hear) = mpsc::channel();
        let work = elsewhere(move || hear.recv());
        let other = async { say.send(7).expect("it listens") };
        let (heard, ()) = tokio::join!(work, other);
        assert_eq!(heard, Ok(7));
    }

    #[tokio::test]
    #[should_panic(expected = "as it should")]
    async fn a_panic_goes_on_in_the_caller() {
        elsewhere(|| panic!("as it should")).await;
    }
}
