use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::KeyRing;

/// A running watch. Stopped when it is dropped.
#[derive(Debug)]
pub struct Watch {
    /// Dropping it ends the thread's wait.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Stops the watch and waits until its thread is gone. The ring goes on with the keys that it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by its own hook; the ring does not depend on the thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

pub(super) fn start(ring: KeyRing, interval: Duration, report: Option<PathBuf>) -> Watch {
    let (stop, stopped) = channel();
    let work = move || {
        loop {
            // The ring remembers and logs its errors itself, and tries again next time.
            let _ = ring.reload_if_changed();
            if let Some(path) = &report
                && let Err(error) = ring.write_report(path)
            {
                tracing::warn!(path = %path.display(), %error, "key ring report not written");
            }
            if stopped.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("keyring-watch".to_owned()).spawn(work);
    let thread = thread.expect("a process that cannot start a thread cannot serve");
    Watch {
        stop: Some(stop),
        thread: Some(thread),
    }
}
