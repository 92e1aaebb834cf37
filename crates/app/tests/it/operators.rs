//! What people say reaches a rotation that somebody drives, and drivers get on with each other.

use futures_util::future::join;
use jiff::SignedDuration;
use keywheel_app::{AppError, Driven, Keywheel};
use keywheel_domain::id::RotationId;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Clock, Journal, JournalError};
use keywheel_domain::rotation::{Event, Outcome};
use keywheel_testkit::executor::{run, run_until};
use keywheel_testkit::invariants;

use crate::support::{APPROVER, Scene, at_once, policy, seconds};

const FOREVER: SignedDuration = SignedDuration::MAX;
const COMPLETED: Driven = Driven::Rested(Outcome::Completed);
const ROLLED_BACK: Driven = Driven::Rested(Outcome::RolledBack);

fn breaks_nothing(scene: &Scene, id: &RotationId) {
    assert_eq!(invariants::check(&scene.company, &scene.name, id, &[]), []);
    let mut done = Vec::new();
    for entry in scene.entries(id) {
        if let Event::Done { step, .. } = entry.event {
            assert!(!done.contains(&step), "{step:?} was done twice");
            done.push(step);
        }
    }
}

/// One process drives, and an hour and a bit into the grace another one says something.
fn said_in_the_grace<T>(scene: &Scene, id: &RotationId, say: impl AsyncFnOnce(Keywheel) -> T) -> (Driven, T) {
    let (one, two) = (scene.process("one"), scene.process("two"));
    let clock = &scene.company.clock;
    let saying = async {
        scene.stands_at(id, "grace").await;
        clock.sleep(SignedDuration::from_millis(3_601_300)).await;
        say(two).await
    };
    let (driven, said) = run(clock, join(one.drive(id, FOREVER), saying));
    (driven.unwrap(), said)
}

#[test]
fn a_grace_that_somebody_waits_out_is_ended_within_a_poll() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let (driven, ()) = said_in_the_grace(&scene, &id, async |two| two.finish(&id, "ada").await.unwrap());
    assert_eq!(driven, COMPLETED);
    let said = scene.times(&id, |event| matches!(event, Event::CutShort { .. }));
    assert_eq!(said.len(), 1);
    let over = scene.times(&id, |event| matches!(event, Event::Done { .. }));
    let next = over.iter().find(|at| **at >= said[0]).unwrap();
    assert!(next.duration_since(said[0]) <= seconds(5), "{said:?} {over:?}");
    breaks_nothing(&scene, &id);
}

#[test]
fn a_rotation_that_somebody_drives_is_sent_back() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let say = async |two: Keywheel| two.rollback(&id, "errors", "ada").await.unwrap();
    let (driven, ()) = said_in_the_grace(&scene, &id, say);
    assert_eq!(driven, ROLLED_BACK);
    let said = scene.times(&id, |event| matches!(event, Event::Unwinding { by: Some(_), .. }));
    assert_eq!(said.len(), 1);
    assert_eq!(scene.rotation(&id).unwound_because(), Some("errors"));
    breaks_nothing(&scene, &id);
}

#[test]
fn what_is_not_possible_is_refused_and_disturbs_nobody() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let (one, two) = (scene.process("one"), scene.process("two"));
    let saying = async {
        scene.stands_at(&id, "converge").await;
        two.finish(&id, "ada").await
    };
    let (driven, said) = run(&scene.company.clock, join(one.drive(&id, FOREVER), saying));
    assert!(matches!(said, Err(AppError::NotNow(_))), "{said:?}");
    assert_eq!(driven.unwrap(), COMPLETED);
    breaks_nothing(&scene, &id);
}

#[test]
fn an_approval_reaches_a_rotation_that_waits_for_it() {
    let approvers = vec![APPROVER.to_owned()];
    let scene = Scene::new(Policy { approvers, ..policy() });
    let id = scene.opened();
    let (one, two) = (scene.process("one"), scene.process("two"));
    let asks = run(&scene.company.clock, one.drive(&id, FOREVER));
    assert!(matches!(asks, Ok(Driven::Asks(_))), "{asks:?}");
    at_once(two.approve(&id, APPROVER)).unwrap();
    assert_eq!(run(&scene.company.clock, one.drive(&id, FOREVER)).unwrap(), COMPLETED);
    assert_eq!(scene.rotation(&id).approved_by(), Some(APPROVER));
    breaks_nothing(&scene, &id);
}

#[test]
fn a_driver_that_takes_over_is_followed_to_the_end() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let rival = async |two: Keywheel| {
        two.finish(&id, "ada").await.unwrap();
        two.drive(&id, FOREVER).await.unwrap()
    };
    let (first, second) = said_in_the_grace(&scene, &id, rival);
    assert_eq!((first, second), (COMPLETED, COMPLETED));
    breaks_nothing(&scene, &id);
}

#[test]
fn two_drivers_that_take_turns_do_every_step_once() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let rival = async |two: Keywheel| two.drive(&id, FOREVER).await.unwrap();
    let (first, second) = said_in_the_grace(&scene, &id, rival);
    assert_eq!((first, second), (COMPLETED, COMPLETED));
    breaks_nothing(&scene, &id);
}

#[test]
fn a_driver_that_acts_for_long_is_waited_for_and_the_follower_says_for_whom() {
    let scene = Scene::slow_to_stage(policy(), seconds(40));
    let id = scene.opened();
    let (one, two) = (scene.process("one"), scene.process("two"));
    let clock = &scene.company.clock;
    let saying = async {
        scene.stands_at(&id, "stage").await;
        clock.sleep(seconds(10)).await;
        two.rollback(&id, "not today", "ada").await.unwrap();
    };
    let (driven, ()) = run(clock, join(one.drive(&id, FOREVER), saying));
    assert_eq!(driven.unwrap(), ROLLED_BACK);
    assert_eq!(scene.heard.elsewhere(), ["one"]);
    // The step had its outcome before anybody was let in, and nothing was begun after it.
    let entries = scene.entries(&id);
    let back = entries
        .iter()
        .position(|entry| matches!(entry.event, Event::Unwinding { .. }))
        .unwrap();
    assert!(
        matches!(entries[back - 1].event, Event::Done { .. }),
        "{:?}",
        entries[back - 1]
    );
    breaks_nothing(&scene, &id);
}

#[test]
fn a_step_that_hangs_is_waited_for_until_its_time_limit() {
    let scene = Scene::slow_to_stage(policy(), seconds(100_000));
    let id = scene.opened();
    let (one, two) = (scene.process("one"), scene.process("two"));
    let clock = &scene.company.clock;
    let saying = async {
        scene.stands_at(&id, "stage").await;
        let began = clock.monotonic();
        two.rollback(&id, "not today", "ada").await.unwrap();
        clock.monotonic() - began
    };
    let (driven, waited) = run(clock, join(one.drive(&id, FOREVER), saying));
    assert_eq!(driven.unwrap(), ROLLED_BACK);
    assert!(waited > seconds(110) && waited <= seconds(122), "{waited:#}");
    breaks_nothing(&scene, &id);
}

#[test]
fn who_never_lets_anybody_in_is_not_waited_for_for_ever() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let clock = &scene.company.clock;
    let mute = "mute".parse().unwrap();
    at_once(scene.company.journal.claim(&id, &mute, clock.now(), seconds(100_000))).unwrap();
    let began = clock.monotonic();
    let said = run(clock, scene.process("two").rollback(&id, "not today", "ada"));
    let held = matches!(&said, Err(AppError::Journal(JournalError::Held { holder, .. })) if holder.as_str() == "mute");
    assert!(held, "{said:?}");
    let waited = clock.monotonic() - began;
    // Its lease, the longest step, and once more at the door.
    assert!(waited >= seconds(135) && waited <= seconds(137), "{waited:#}");
    assert_eq!(scene.heard.elsewhere(), ["mute"]);
}

#[test]
fn what_one_process_says_to_its_own_driver_waits_for_the_step_too() {
    let scene = Scene::slow_to_stage(policy(), seconds(40));
    let id = scene.opened();
    let one = scene.process("one");
    let saying = async {
        scene.stands_at(&id, "stage").await;
        one.rollback(&id, "not today", "ada").await.unwrap();
    };
    let (driven, ()) = run(&scene.company.clock, join(one.drive(&id, FOREVER), saying));
    assert_eq!(driven.unwrap(), ROLLED_BACK);
    breaks_nothing(&scene, &id);
}

#[test]
fn one_process_does_not_drive_a_rotation_twice() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let one = scene.process("one");
    let again = async {
        scene.stands_at(&id, "grace").await;
        one.drive(&id, FOREVER).await
    };
    let (first, second) = run(&scene.company.clock, join(one.drive(&id, FOREVER), again));
    assert_eq!(first.unwrap(), COMPLETED);
    let held = matches!(&second, Err(AppError::Journal(JournalError::Held { holder, .. })) if holder.as_str() == "one");
    assert!(held, "{second:?}");
    breaks_nothing(&scene, &id);
}

#[test]
fn who_dies_while_others_are_let_in_is_succeeded_when_its_lease_would_have_ended() {
    let scene = Scene::new(policy());
    let id = scene.opened();
    let clock = &scene.company.clock;
    let (one, two) = (scene.process("one"), scene.process("two"));
    let stands = || {
        scene
            .rotation(&id)
            .action()
            .is_some_and(|action| action.name() == "grace")
    };
    let killed = run_until(clock, stands, one.drive(&id, FOREVER));
    assert!(killed.is_err(), "{killed:?}");
    // One more piece of its wait: it dies in the gap.
    let since = clock.now();
    let killed = run_until(clock, || clock.now() > since + seconds(62), one.drive(&id, FOREVER));
    assert!(killed.is_err(), "{killed:?}");
    assert_eq!(at_once(two.due(10)).unwrap(), []);
    clock.advance(seconds(21));
    assert_eq!(at_once(two.due(10)).unwrap().len(), 1);
    assert_eq!(run(clock, two.drive(&id, FOREVER)).unwrap(), COMPLETED);
    breaks_nothing(&scene, &id);
}
