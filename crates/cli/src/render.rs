//! Reports as text for people and as JSON for programs. Nothing here prints.

pub(crate) mod audit;
pub(crate) mod due;
pub(crate) mod findings;
pub(crate) mod history;
pub(crate) mod picture;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod result;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod time;
