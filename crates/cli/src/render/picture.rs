//! The overlap as a picture: one row for each version, one column for each step.

use std::collections::BTreeSet;

use keywheel_domain::id::VersionNumber;
use keywheel_domain::plan::Plan;

/// The signs of the picture.
struct Signs {
    both: char,
    accepted: char,
    refused: char,
    neither: char,
    no_way_back: char,
}

const UNICODE: Signs = Signs {
    both: '█',
    accepted: '░',
    refused: '✗',
    neither: '·',
    no_way_back: '┃',
};
const ASCII: Signs = Signs {
    both: '#',
    accepted: '-',
    refused: 'X',
    neither: '.',
    no_way_back: '|',
};

const CELL: usize = 3;

/// Who is presented and who is accepted, from before the first step to after the last one.
pub(crate) fn overlap(plan: &Plan, unicode: bool) -> String {
    let signs = if unicode { UNICODE } else { ASCII };
    let versions: BTreeSet<VersionNumber> = [plan.old(), plan.new_version()].into();
    let width = versions
        .iter()
        .map(|version| version.to_string().len())
        .max()
        .unwrap_or(1);
    let mut lines = vec![header(plan, width)];
    lines.extend(versions.iter().map(|version| row(plan, *version, width, &signs)));
    lines.push(legend(plan, &signs));
    lines.join("\n")
}

fn header(plan: &Plan, width: usize) -> String {
    let numbers: String = (0..=plan.steps().len()).map(|step| format!("{step:>CELL$}")).collect();
    format!("{:>1$}{numbers}", "step", "version ".len() + width)
}

fn row(plan: &Plan, version: VersionNumber, width: usize, signs: &Signs) -> String {
    let only: BTreeSet<VersionNumber> = [plan.old()].into();
    let before = (only.contains(&version), only.contains(&version));
    let after = plan.reachable().into_iter().map(|state| {
        let presented = state.presented.contains(&version);
        (presented, state.accepted.contains(&version))
    });
    let cells = std::iter::once(before).chain(after).enumerate().map(|(step, cell)| {
        let sign = match cell {
            (true, true) => signs.both,
            (false, true) => signs.accepted,
            (true, false) => signs.refused,
            (false, false) => signs.neither,
        };
        let first = if step == plan.point_of_no_return() + 1 {
            signs.no_way_back
        } else {
            sign
        };
        // The column before the first step is as wide as its number, so that bars begin where their row begins.
        if step == 0 {
            format!("  {sign}")
        } else {
            format!("{first}{sign}{sign}")
        }
    });
    format!("version {version:>width$}{}", cells.collect::<String>())
}

fn legend(plan: &Plan, signs: &Signs) -> String {
    let mut legend = format!(
        "{} presented and accepted   {} accepted   {} neither   {} no way back from here on",
        signs.both, signs.accepted, signs.neither, signs.no_way_back
    );
    if !plan.interruptions().is_empty() {
        legend.push_str(&format!("   {} presented and refused", signs.refused));
    }
    legend
}

#[cfg(test)]
mod tests {
    use keywheel_domain::id::Revision;
    use keywheel_domain::plan::{MintedBy, Overlap, PlanRequest, Shape};
    use keywheel_domain::policy::Policy;
    use keywheel_domain::schedule::Period;
    use keywheel_domain::trigger::Trigger;
    use keywheel_domain::view::View;

    use super::*;

    fn plan() -> Plan {
        let shape = Shape {
            overlap: Overlap::TwoVersions,
            minted_by: MintedBy::Us,
            can_suspend: true,
            archived: false,
        };
        let request = PlanRequest {
            shape,
            policy: &Policy::new(Period::months(3)),
            trigger: &Trigger::Manual {
                reason: "test".to_owned(),
            },
            view: View::new(Revision(1), VersionNumber(9), [VersionNumber(9)]),
            new: VersionNumber(10),
        };
        Plan::new(&request).unwrap()
    }

    #[test]
    fn the_bars_overlap_where_both_versions_are_accepted() {
        let expected = [
            "      step  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16",
            "version  9  ######################------------......|........",
            "version 10  ..........------########################|########",
        ];
        let shown = overlap(&plan(), false);
        assert_eq!(shown.lines().take(3).collect::<Vec<_>>(), expected);
        assert!(overlap(&plan(), true).contains('█'));
    }
}
