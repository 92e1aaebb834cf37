//! No plan that the constructor accepts can lock anybody out: not one that it makes itself, and not one that somebody smuggles
//! into a journal.

use keywheel_domain::plan::{Plan, PlanRequest};
use keywheel_testkit::strategies::{OwnedRequest, requests};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::model::{backward, forward, is_only};

fn plan(request: &OwnedRequest) -> Option<Plan> {
    let request = PlanRequest {
        shape: request.shape,
        policy: &request.policy,
        trigger: &request.trigger,
        view: request.view.clone(),
        new: request.new,
    };
    Plan::new(&request).ok()
}

/// Where a plan declares no interruption nobody is refused; where it does, nobody else is.
fn holds(plan: &Plan) -> Result<(), TestCaseError> {
    let excused = |version| plan.interruptions().iter().any(|one| one.refused.contains(&version));
    for locked_out in forward(plan) {
        prop_assert!(excused(locked_out.refused), "{locked_out:?}\n{}", told(plan));
    }
    let excused = |version| !plan.interruptions().is_empty() && [plan.old(), plan.new_version()].contains(&version);
    for index in 0..plan.point_of_no_return() {
        let (locked_out, ends) = backward(plan, index);
        for locked_out in locked_out {
            prop_assert!(
                excused(locked_out.refused),
                "{locked_out:?} on the way back from {index}\n{}",
                told(plan)
            );
        }
        for end in ends {
            prop_assert!(
                is_only(plan, &end, plan.old()),
                "the way back from {index} ends in {end:?}\n{}",
                told(plan)
            );
        }
    }
    Ok(())
}

fn told(plan: &Plan) -> String {
    let steps: Vec<String> = plan.steps().iter().map(ToString::to_string).collect();
    steps.join(" | ")
}

/// One change to a stored plan.
#[derive(Debug, Clone)]
enum Forgery {
    Drop(Index),
    Repeat(Index, Index),
    Swap(Index, Index),
    /// Another number in one place of one step: a version, a revision, a length.
    Renumber(Index, Index, u64),
    NoReturn(usize),
}

fn forgeries() -> impl Strategy<Value = Forgery> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Forgery::Drop),
        (at(), at()).prop_map(|(from, to)| Forgery::Repeat(from, to)),
        (at(), at()).prop_map(|(one, other)| Forgery::Swap(one, other)),
        (at(), at(), 0..6u64).prop_map(|(step, place, number)| Forgery::Renumber(step, place, number)),
        (0..30usize).prop_map(Forgery::NoReturn),
    ]
}

fn forge(stored: &mut Value, forgery: &Forgery) {
    if let Forgery::NoReturn(index) = forgery {
        stored["point_of_no_return"] = (*index).into();
        return;
    }
    let Some(steps) = stored["steps"].as_array_mut().filter(|steps| !steps.is_empty()) else {
        return;
    };
    match forgery {
        Forgery::Drop(step) => {
            steps.remove(step.index(steps.len()));
        }
        Forgery::Repeat(from, to) => {
            let step = steps[from.index(steps.len())].clone();
            steps.insert(to.index(steps.len()), step);
        }
        Forgery::Swap(one, other) => {
            let (one, other) = (one.index(steps.len()), other.index(steps.len()));
            steps.swap(one, other);
        }
        Forgery::Renumber(step, place, number) => {
            let step = step.index(steps.len());
            renumber(&mut steps[step], *place, *number);
        }
        Forgery::NoReturn(_) => {}
    }
}

/// Changes one of the numbers and lengths in a step.
fn renumber(step: &mut Value, place: Index, number: u64) {
    let mut places = Vec::new();
    numbers(step, &mut places);
    if places.is_empty() {
        return;
    }
    let chosen = place.index(places.len());
    let place = places.swap_remove(chosen);
    *place = match place {
        Value::String(_) => Value::from(format!("PT{}H", number * 24)),
        _ => Value::from(number),
    };
}

fn numbers<'a>(value: &'a mut Value, places: &mut Vec<&'a mut Value>) {
    match value {
        Value::Number(_) => places.push(value),
        Value::String(text) if text.starts_with("PT") => places.push(value),
        Value::Array(items) => items.iter_mut().for_each(|item| numbers(item, places)),
        Value::Object(fields) => fields.values_mut().for_each(|field| numbers(field, places)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_plan_that_is_made_can_lock_anybody_out(request in requests()) {
        if let Some(plan) = plan(&request) {
            holds(&plan)?;
        }
    }

    #[test]
    fn no_plan_that_is_smuggled_in_can_lock_anybody_out(
        request in requests(),
        forgeries in prop::collection::vec(forgeries(), 1..5),
    ) {
        let Some(plan) = plan(&request) else { return Ok(()) };
        let mut stored = serde_json::to_value(&plan).expect("a plan is JSON");
        forgeries.iter().for_each(|forgery| forge(&mut stored, forgery));
        if let Ok(plan) = serde_json::from_value::<Plan>(stored) {
            holds(&plan)?;
        }
    }
}
