//! One piece of work for everybody who waits for it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Work whose answer serves all who asked before it began: whoever asks while it runs joins the next one.
///
/// That is what makes it fit for saving and for looking: an answer always rests on what was so after the question.
#[derive(Debug)]
pub(crate) struct Together<T> {
    asked: AtomicU64,
    done: Mutex<Done<T>>,
}

#[derive(Debug)]
struct Done<T> {
    /// The answer serves every question up to this one.
    upto: u64,
    answer: Option<T>,
}

impl<T> Default for Together<T> {
    fn default() -> Self {
        let done = Done { upto: 0, answer: None };
        Self {
            asked: AtomicU64::new(0),
            done: Mutex::new(done),
        }
    }
}

impl<T: Clone + Send> Together<T> {
    /// The answer of work that began after this call, be it ours or another's. Where whoever works is dropped, the next one who
    /// waits does the work.
    pub(crate) async fn run<F>(&self, work: impl FnOnce() -> F + Send) -> T
    where
        F: Future<Output = T> + Send,
    {
        let question = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut done = self.done.lock().await;
        if let Some(answer) = done.answer.as_ref().filter(|_| done.upto >= question) {
            return answer.clone();
        }
        let upto = self.asked.load(Ordering::SeqCst);
        let answer = work().await;
        *done = Done {
            upto,
            answer: Some(answer.clone()),
        };
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Semaphore;

    use super::*;

    /// Work that waits to be let go on, and says how many were done before it.
    struct Slow {
        together: Together<usize>,
        count: AtomicUsize,
        gate: Semaphore,
    }

    impl Slow {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                together: Together::default(),
                count: AtomicUsize::new(0),
                gate: Semaphore::new(0),
            })
        }

        async fn ask(self: Arc<Self>) -> usize {
            let work = || async {
                self.gate.acquire().await.unwrap().forget();
                self.count.fetch_add(1, Ordering::SeqCst)
            };
            self.together.run(work).await
        }
    }

    #[tokio::test]
    async fn those_who_ask_while_work_runs_share_the_next_one() {
        let slow = Slow::new();
        let first = tokio::spawn(slow.clone().ask());
        while slow.together.done.try_lock().is_ok() {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..50).map(|_| tokio::spawn(slow.clone().ask())).collect();
        while slow.together.asked.load(Ordering::SeqCst) < 51 {
            tokio::task::yield_now().await;
        }
        slow.gate.add_permits(2);
        assert_eq!(first.await.unwrap(), 0);
        for other in others {
            assert_eq!(other.await.unwrap(), 1, "it began after all of them had asked");
        }
    }

    #[tokio::test]
    async fn where_the_one_who_works_is_dropped_the_next_one_works() {
        let slow = Slow::new();
        let dropped = tokio::spawn(slow.clone().ask());
        while slow.together.done.try_lock().is_ok() {
            tokio::task::yield_now().await;
        }
        let waiting = tokio::spawn(slow.clone().ask());
        dropped.abort();
        assert!(dropped.await.unwrap_err().is_cancelled());
        slow.gate.add_permits(1);
        assert_eq!(waiting.await.unwrap(), 0);
    }
}
