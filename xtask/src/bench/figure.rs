//! One measured ratio, and the table of them.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

/// One figure as a benchmark prints it.
#[derive(Debug, Deserialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    ours: Value,
    baseline: Value,
    baseline_name: String,
    ratio: Value,
    goal: Value,
    /// Whether the ratio reaches the goal.
    pub(crate) holds: bool,
}

impl Figure {
    /// Reads one line.
    pub(crate) fn parse(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }

    fn cells(&self) -> [String; 7] {
        [
            self.name.clone(),
            shown(&self.ours),
            shown(&self.baseline),
            self.baseline_name.clone(),
            shown(&self.ratio),
            shown(&self.goal),
            String::from(if self.holds { "yes" } else { "NO" }),
        ]
    }
}

/// The figures in aligned columns, with a heading.
pub(crate) fn table(figures: &[Figure]) -> String {
    let heading = ["figure", "ours", "baseline", "against", "ratio", "goal", "holds"];
    let mut rows = vec![heading.map(String::from)];
    rows.extend(figures.iter().map(Figure::cells));
    let widths: [usize; 7] = std::array::from_fn(|column| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    });
    let mut table = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            write!(line, "{cell:width$}  ").expect("writing to a string cannot fail");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

/// A number with as many digits as a person reads, text as it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_u64() && float.abs() < 100.0 => format!("{float:.3}"),
            Some(float) => format!("{float:.0}"),
            None => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Null => String::from("-"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, table};

    const HELD: &str = r#"{"name":"verify, 5 keys","ours":10012.4,"baseline":10100,"baseline_name":"one key","ratio":0.9913,"goal":">= 0.97","holds":true}"#;
    const MISSED: &str =
        r#"{"name":"start","ours":31.5,"baseline":null,"baseline_name":"20 ms","ratio":1.575,"goal":1,"holds":false}"#;

    #[test]
    fn figures_stand_in_aligned_columns() {
        let figures = [HELD, MISSED].map(|line| Figure::parse(line).unwrap());
        let expected = "\
figure          ours    baseline  against  ratio  goal     holds
verify, 5 keys  10012   10100     one key  0.991  >= 0.97  yes
start           31.500  -         20 ms    1.575  1        NO
";
        assert_eq!(table(&figures), expected);
    }

    #[test]
    fn a_figure_without_a_verdict_is_refused() {
        let without = HELD.replace(r#","holds":true"#, "");
        assert!(Figure::parse(&without).is_err());
    }
}
