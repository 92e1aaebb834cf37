//! What goes wrong, and at which call.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What goes wrong at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It fails before it does anything, and may succeed later.
    Transient,
    /// It does what it should, and the answer is lost.
    Lost,
    /// It does nothing and never answers.
    Hang,
    /// It does what it should and never answers.
    Mute,
    /// It does what it should and answers 90 seconds later.
    Late,
    /// It fails before it does anything, and says that trying again cannot help.
    Permanent,
    /// The process is killed when it calls.
    Crash,
    /// The process is killed when the answer arrives.
    Crashed,
}

impl Fault {
    /// Every fault with its name on a command line.
    pub const NAMED: [(Self, &'static str); 8] = [
        (Self::Transient, "transient"),
        (Self::Lost, "lost"),
        (Self::Hang, "hang"),
        (Self::Mute, "mute"),
        (Self::Late, "late"),
        (Self::Permanent, "permanent"),
        (Self::Crash, "crash"),
        (Self::Crashed, "crashed"),
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(fault, _)| *fault == self);
        named.map_or("", |(_, name)| *name)
    }

    /// Whether it ends the process.
    pub fn kills(self) -> bool {
        matches!(self, Self::Crash | Self::Crashed)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which call meets which fault; calls are counted from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultPlan(BTreeMap<usize, Fault>);

/// A text that is not a fault plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFault(String);

impl fmt::Display for InvalidFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Fault::NAMED.map(|(_, name)| name).join(", ");
        write!(
            f,
            "{:?} is not a fault; write `12:hang,30:crash` with the faults {names}",
            self.0
        )
    }
}

impl std::error::Error for InvalidFault {}

impl FaultPlan {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same and one more fault.
    #[must_use]
    pub fn and(&self, call: usize, fault: Fault) -> Self {
        let mut plan = self.clone();
        plan.0.insert(call, fault);
        plan
    }

    /// What goes wrong at that call.
    pub fn at(&self, call: usize) -> Option<Fault> {
        self.0.get(&call).copied()
    }

    /// Every fault, in the order of its calls.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Fault)> {
        self.0.iter().map(|(call, fault)| (*call, *fault))
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.iter().map(|(call, fault)| format!("{call}:{fault}")).collect();
        f.write_str(&faults.join(","))
    }
}

impl FromStr for FaultPlan {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let mut plan = Self::none();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let invalid = || InvalidFault(part.to_owned());
            let (call, name) = part.split_once(':').ok_or_else(invalid)?;
            let known = Fault::NAMED.iter().find(|(_, known)| *known == name);
            let (fault, _) = known.ok_or_else(invalid)?;
            plan = plan.and(call.parse().map_err(|_| invalid())?, *fault);
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_plan_is_read_as_it_is_written() {
        for (fault, _) in Fault::NAMED {
            let plan = FaultPlan::none().and(12, fault).and(3, Fault::Late);
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_names_of_those_that_are() {
        for bad in ["12", "x:hang", "12:boom", "12:hang 30:crash"] {
            let error = bad.parse::<FaultPlan>().unwrap_err();
            assert!(error.to_string().contains("transient, lost, hang"), "{error}");
        }
    }
}
