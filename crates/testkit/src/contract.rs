//! One contract suite for each port: its fake and every real adapter pass the same one.

pub mod audit_log;
pub mod journal;
pub mod material_store;
