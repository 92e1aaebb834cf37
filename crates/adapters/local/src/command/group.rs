//! A process group that does not outlive whoever waits for it.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The group of a child. Killed when it is dropped, unless it was released.
#[derive(Debug)]
pub(super) struct Group {
    leader: Option<Pid>,
}

impl Group {
    /// The group that the child leads.
    pub(super) fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { leader }
    }

    /// Asks everybody in it to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends everybody in it.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.release();
    }

    /// Leaves it alone from now on.
    pub(super) fn release(&mut self) {
        self.leader = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // The group may have ended by itself just now, which is as good.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
