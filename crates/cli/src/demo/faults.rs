//! When the driver is killed: once in the middle of each of these steps.

use keywheel_domain::rotation::Rotation;

/// Steps that last long enough to be caught in their middle, from the making of the key to the end of the old one.
const STEPS: [&str; 5] = ["generate", "deliver r3", "validate", "grace", "observe"];

/// Which of them are still to come.
pub(super) struct Faults {
    left: Vec<&'static str>,
}

impl Faults {
    pub(super) fn new(wanted: bool) -> Self {
        let left = if wanted { STEPS.to_vec() } else { Vec::new() };
        Self { left }
    }

    /// Whether the driver is to be killed now.
    pub(super) fn strikes(&mut self, rotation: &Rotation) -> bool {
        let Some(step) = rotation.action().map(ToString::to_string) else {
            return false;
        };
        let Some(next) = self.left.iter().position(|wanted| step.starts_with(wanted)) else {
            return false;
        };
        self.left.remove(next);
        true
    }
}
