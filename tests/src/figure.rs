//! One measured ratio, as `cargo xtask bench` reads it.

use std::io::Write;

use serde::Serialize;

/// One line of a benchmark's output.
#[derive(Debug, Serialize)]
pub struct Figure {
    name: String,
    ours: f64,
    baseline: f64,
    baseline_name: String,
    ratio: f64,
    goal: String,
    holds: bool,
}

impl Figure {
    /// A figure of which more is better, and so much of the baseline is the goal.
    pub fn at_least(goal: f64, name: &str, ours: f64, baseline: (&str, f64)) -> Self {
        let figure = Self::shown(name, ours, baseline);
        Self {
            goal: format!(">= {goal}"),
            holds: figure.ratio >= goal,
            ..figure
        }
    }

    /// A figure without a goal: it shows where something goes.
    pub fn shown(name: &str, ours: f64, (baseline_name, baseline): (&str, f64)) -> Self {
        Self {
            name: name.to_owned(),
            ours,
            baseline,
            baseline_name: baseline_name.to_owned(),
            ratio: ours / baseline,
            goal: String::from("none"),
            holds: true,
        }
    }

    /// Writes it to standard output.
    ///
    /// # Panics
    /// Where nobody reads that.
    pub fn print(&self) {
        let text = serde_json::to_string(self).expect("numbers and text are JSON");
        writeln!(std::io::stdout(), "{text}").expect("somebody reads the figures");
    }
}
