//! Health as metrics and alerts tell it.

mod alert;
mod query;

pub use alert::AlertProbe;
pub use query::QueryProbe;
