//! The fault search catches what is broken, and finds nothing where nothing is.

use std::sync::atomic::AtomicBool;

use keywheel_testkit::fault::FaultPlan;
use keywheel_tests::case::Case;
use keywheel_tests::mutant::MUTANTS;
use keywheel_tests::run::{Operator, Runner};
use keywheel_tests::search::{Depth, search};
use keywheel_tests::story;

#[test]
fn every_broken_driver_is_caught_by_the_rule_that_it_breaks() {
    for mutant in MUTANTS {
        let caught = mutant.catch();
        let rules = caught.map(|caught| {
            caught
                .violations
                .into_iter()
                .map(|violation| violation.rule)
                .collect::<Vec<_>>()
        });
        assert!(
            rules.is_some_and(|rules| rules.contains(&mutant.rule)),
            "it {}",
            mutant.name
        );
    }
}

#[test]
fn no_single_fault_breaks_a_rule() {
    for case in Case::all() {
        let runner = Runner::new(case);
        let tally = search(&runner, Depth::Singles, 1, &AtomicBool::new(false));
        assert_eq!(tally.caught, []);
        assert!(
            tally.singles > 250,
            "{} has only {} single faults",
            runner.case.name,
            tally.singles
        );
    }
}

#[test]
fn the_same_plan_of_faults_tells_the_same_story() {
    let case = Case::named("key-ring-routine").expect("there is such a case");
    let runner = Runner::new(case);
    let plan: FaultPlan = "9:late,40:mute,63:crash".parse().expect("it is a plan");
    let [once, again] = [(); 2].map(|()| story::tell(&runner, &plan, Operator::Resumes));
    assert_eq!(once, again);
    assert!(
        once.contains("<- crash") && once.contains("outcome: Some(Completed)"),
        "{once}"
    );
}

#[test]
fn a_run_from_the_middle_of_another_one_is_the_run_from_its_beginning() {
    let case = Case::named("twin-keys-manual").expect("there is such a case");
    let runner = Runner::new(case);
    let plan: FaultPlan = "25:lost,60:crashed".parse().expect("it is a plan");
    let whole = runner.run(&plan, Operator::RollsBack);
    let first: FaultPlan = "25:lost".parse().expect("it is a plan");
    let single = runner.run(&first, Operator::RollsBack);
    let moments = single.moments.iter().filter(|moment| moment.calls <= 60);
    let mut compared = 0;
    for moment in moments {
        let rest = runner.run_from(moment, &plan, Operator::RollsBack, false);
        assert_eq!(rest.calls, whole.calls[moment.calls..]);
        assert_eq!(
            (rest.outcome, rest.violations),
            (whole.outcome, whole.violations.clone())
        );
        compared += 1;
    }
    assert!(compared > 2, "{compared}");
}
