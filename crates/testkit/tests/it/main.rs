//! The testkit against real servers.

mod real;
