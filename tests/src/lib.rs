//! The whole of Keywheel against a simulated company: exhaustive fault search, random histories, broken drivers that have to
//! be caught.
//!
//! - [`case`]: every shape of plan with every trigger;
//! - [`run`]: one rotation from its beginning to its rest, under a plan of faults, with an operator who does what operators do;
//! - [`search`]: all single faults, all crash points, and all pairs of them;
//! - [`command`]: the `keywheel` command in a folder of its own;
//! - [`crowd`]: many credentials that are due at once, for benchmarks;
//! - [`figure`]: what a benchmark prints;
//! - [`folder`]: the folders that a real rotation works in;
//! - [`kills`]: real processes, really killed;
//! - [`live`]: real servers, rotated while clients log in all the time;
//! - [`many`]: many credentials on one server, whose journal several processes share;
//! - [`mutant`]: broken drivers that the search has to catch;
//! - [`sim`]: random lives with many rotations and many faults;
//! - [`story`]: a run that broke a rule, told so that somebody can find out why.

pub mod case;
pub mod command;
pub mod crowd;
pub mod figure;
pub mod folder;
pub mod kills;
pub mod live;
pub mod many;
pub mod mutant;
pub mod run;
pub mod search;
pub mod sim;
pub mod story;
