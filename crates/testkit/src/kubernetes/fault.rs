//! What goes wrong.

use super::request::Request;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It is answered with that status, and does nothing.
    Status(u16),
    /// It is answered with 429 and a `Retry-After` of so many seconds, in the plain text of the flow control.
    Throttled(u64),
    /// The connection ends before the server acts.
    CutBefore,
    /// The server acts, and the connection ends before the answer.
    CutAfter,
}

/// Something that goes wrong for some requests.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    method: String,
    part: String,
    mishap: Mishap,
    /// How often still.
    left: u32,
}

impl Fault {
    pub(super) fn new(method: &str, part: &str, mishap: Mishap, times: u32) -> Self {
        Self {
            method: method.to_owned(),
            part: part.to_owned(),
            mishap,
            left: times,
        }
    }
}

/// What happens to this request, and one time less to the next.
pub(super) fn strike(faults: &mut Vec<Fault>, request: &Request) -> Option<Mishap> {
    let hit = |fault: &&mut Fault| fault.method == request.method && request.target.contains(&fault.part);
    let fault = faults.iter_mut().find(hit)?;
    fault.left = fault.left.saturating_sub(1);
    let mishap = fault.mishap;
    faults.retain(|fault| fault.left > 0);
    Some(mishap)
}
