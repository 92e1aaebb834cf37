//! Many rotations at once, by one scheduler or several, with servers that die.

use std::future::pending;

use futures_util::future::join;
use jiff::SignedDuration;
use keywheel_app::{Keywheel, Tally};
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::{Clock, Due, Journal};
use keywheel_domain::rotation::{Event, Rotation};
use keywheel_testkit::executor::{run, run_until};

use crate::landscape::{Health, Landscape, instant};
use crate::support::{APPROVER, at_once, seconds};

/// Everything that is due now.
fn once(landscape: &Landscape, app: &Keywheel) -> Tally {
    let scheduler = app.scheduler("scheduler");
    let pass = scheduler.run_once(landscape.told.as_ref(), pending());
    run(&landscape.company.clock, pass).unwrap()
}

/// Everything that becomes due in that time.
fn for_a_while(landscape: &Landscape, app: &Keywheel, time: SignedDuration) -> Tally {
    let clock = &landscape.company.clock;
    let scheduler = app.scheduler("scheduler");
    run(clock, scheduler.run(landscape.told.as_ref(), clock.sleep(time))).unwrap()
}

fn completed(landscape: &Landscape) -> usize {
    landscape.told.count("Completed")
}

#[test]
fn two_hundred_that_are_due_at_once_are_rotated_once_each() {
    let landscape = Landscape::of(10, 20);
    let tally = once(&landscape, &landscape.process("one"));
    let expected = Tally {
        opened: 200,
        completed: 200,
        ..Tally::default()
    };
    assert_eq!(tally, expected);
    landscape.each_was_rotated_once("server");
    let entries = &landscape.rotations("server-0/role-0")[0].1;
    assert_eq!(Rotation::replay(entries).unwrap().requested_by(), "scheduler");
    let again = once(&landscape, &landscape.process("one"));
    assert_eq!(again, Tally::default(), "nothing is due any more");
}

#[test]
fn of_two_schedulers_each_rotation_has_one() {
    let landscape = Landscape::of(10, 20);
    let (one, two) = (landscape.process("one"), landscape.process("two"));
    let (one, two) = (one.scheduler("one"), two.scheduler("two"));
    let told = landscape.told.as_ref();
    let both = join(one.run_once(told, pending()), two.run_once(told, pending()));
    let (one, two) = run(&landscape.company.clock, both);
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.completed + two.completed, 200);
    assert!(one.completed > 50 && two.completed > 50, "{one:?} {two:?}");
    assert_eq!((one.failed, two.failed), (0, 0));
    landscape.each_was_rotated_once("server");
}

#[test]
fn what_a_scheduler_had_in_its_hands_when_it_died_is_taken_over() {
    let landscape = Landscape::of(10, 20);
    let clock = &landscape.company.clock;
    let one = landscape.process("one").scheduler("one");
    let killed = run_until(
        clock,
        || completed(&landscape) >= 60,
        one.run_once(landscape.told.as_ref(), pending()),
    );
    assert!(killed.is_err(), "{killed:?}");
    let done = completed(&landscape);
    let open = landscape.rotations("server").len() - done;
    assert!(open > 10, "{open} were in its hands");
    let died = clock.now();
    let tally = for_a_while(&landscape, &landscape.process("two"), seconds(60));
    assert_eq!(tally.completed + done, 200, "{tally:?}");
    assert_eq!((tally.failed, tally.elsewhere), (0, 0));
    landscape.each_was_rotated_once("server");
    // What was open could not be taken over before the dead one's lease had ended.
    assert!(landscape.last_done("server").duration_since(died) >= seconds(14));
}

#[test]
fn no_server_and_no_worker_has_more_than_its_share() {
    let landscape = Landscape::of(5, 12);
    let app = landscape.process("one");
    let scheduler = app.scheduler("one").workers(7).per_bulkhead(2);
    let pass = scheduler.run_once(landscape.told.as_ref(), pending());
    run(&landscape.company.clock, pass).unwrap();
    landscape.each_was_rotated_once("server");
    for server in &landscape.servers {
        assert_eq!(server.load().most, 2, "{}", server.name);
    }
    assert_eq!(landscape.together.lock().unwrap().most, 7);
}

/// How long it takes until the credentials of nine servers are rotated, with a tenth server of that health.
fn nine_of_ten(health: Health) -> SignedDuration {
    let mut landscape = Landscape::of(9, 20);
    let tenth = landscape.server("a-tenth", health);
    for one in 0..20 {
        landscape.adopt(&format!("a-tenth/role-{one}"), &tenth, instant(), 100);
    }
    let app = landscape.process("one");
    let scheduler = app.scheduler("one").workers(16).per_bulkhead(4);
    let clock = &landscape.company.clock;
    let began = clock.now();
    let done = || {
        landscape
            .told
            .lines()
            .iter()
            .filter(|line| line.starts_with("Completed server"))
            .count()
            == 180
    };
    let pass = scheduler.run(landscape.told.as_ref(), pending());
    assert!(run_until(clock, done, pass).is_err());
    landscape.each_was_rotated_once("server");
    landscape.last_done("server").duration_since(began)
}

#[test]
fn a_dead_server_costs_the_others_less_than_a_tenth() {
    let (all_well, one_dead) = (nine_of_ten(Health::Well), nine_of_ten(Health::Dead));
    let ratio = one_dead.as_secs_f64() / all_well.as_secs_f64();
    assert!(ratio <= 1.1, "{one_dead:#} against {all_well:#}");
}

#[test]
fn a_wait_is_left_to_the_journal_and_not_written_down_each_time() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    let policy = Policy {
        grace: seconds(3_600),
        ..instant()
    };
    landscape.adopt("server/role", &server, policy, 100);
    let app = landscape.process("one");
    let tally = once(&landscape, &app);
    assert_eq!((tally.opened, tally.waits, tally.completed), (1, 1, 0), "{tally:?}");
    let tally = for_a_while(&landscape, &app, seconds(3_700));
    assert_eq!(tally.completed, 1, "{tally:?}");
    assert!(tally.waits > 680, "it looks at every poll: {tally:?}");
    let entries = &landscape.rotations("server")[0].1;
    let measured = entries
        .iter()
        .filter(|entry| matches!(entry.event, Event::Measured { .. }))
        .count();
    assert!(measured < 15, "{measured} measurements of {} entries", entries.len());
    let canary = Rotation::replay(entries).unwrap().canary();
    assert!(canary.samples > 680, "{canary:?}");
}

#[test]
fn a_run_that_ends_waits_for_a_rotation_as_long_as_it_is_patient() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    for (name, grace) in [("server/short", 50), ("server/long", 70)] {
        let policy = Policy {
            grace: seconds(grace),
            ..instant()
        };
        landscape.adopt(name, &server, policy, 100);
    }
    let clock = &landscape.company.clock;
    let began = clock.now();
    let tally = once(&landscape, &landscape.process("one"));
    assert_eq!((tally.opened, tally.completed), (2, 1), "{tally:?}");
    assert_eq!(landscape.told.count("Completed server/short"), 1);
    let took = clock.now().duration_since(began);
    assert!(took > seconds(50) && took < seconds(55), "{took:#}");
}

#[test]
fn those_that_wait_take_no_place_from_others() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    for one in 0..40 {
        let policy = Policy {
            grace: seconds(30),
            ..instant()
        };
        landscape.adopt(&format!("server/role-{one}"), &server, policy, 100);
    }
    let clock = &landscape.company.clock;
    let began = clock.now();
    let app = landscape.process("one");
    let scheduler = app.scheduler("one").workers(4).per_bulkhead(4);
    run(clock, scheduler.run_once(landscape.told.as_ref(), pending())).unwrap();
    landscape.each_was_rotated_once("server");
    assert!(server.load().most <= 4, "{:?}", server.load());
    let took = clock.now().duration_since(began);
    assert!(
        took < seconds(60),
        "ten waits one after the other would take five minutes, not {took:#}"
    );
}

#[test]
fn a_word_to_a_rotation_that_waits_is_acted_on_within_a_few_seconds() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    let policy = Policy {
        grace: seconds(100_000),
        ..instant()
    };
    landscape.adopt("server/role", &server, policy, 100);
    let clock = &landscape.company.clock;
    let (one, two) = (landscape.process("one"), landscape.process("two"));
    let scheduler = one.scheduler("one");
    let saying = async {
        clock.sleep(seconds(2_000)).await;
        let id = two.active(&"server/role".parse().unwrap()).await.unwrap();
        two.finish(&id, "ada").await.unwrap();
        clock.now()
    };
    let running = scheduler.run(landscape.told.as_ref(), clock.sleep(seconds(2_100)));
    let (tally, said) = run(clock, join(running, saying));
    assert_eq!(tally.unwrap().completed, 1);
    let took = landscape.last_done("server").duration_since(said);
    assert!(took <= seconds(3), "{took:#}");
}

#[test]
fn what_is_not_due_is_left_alone_until_it_is() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    // Three months have 90 days from 8 October on; they are over in an hour.
    landscape.adopt("server/role", &server, instant(), 91);
    let due = at_once(landscape.company.journal.credential(&"server/role".parse().unwrap()))
        .unwrap()
        .unwrap()
        .next_due;
    let early = due.unwrap() - landscape.company.clock.now();
    let early = SignedDuration::try_from(early).unwrap();
    assert!(early > seconds(0), "{early:#}");
    assert_eq!(once(&landscape, &landscape.process("one")), Tally::default());
    let tally = for_a_while(&landscape, &landscape.process("one"), early + seconds(5));
    assert_eq!(tally.completed, 1);
    assert!(landscape.last_done("server") >= due.unwrap());
}

#[test]
fn a_stopped_scheduler_ends_its_steps_and_gives_its_leases_up() {
    let landscape = Landscape::of(10, 20);
    let clock = &landscape.company.clock;
    let one = landscape.process("one").scheduler("one");
    let tally = run(clock, one.run(landscape.told.as_ref(), clock.sleep(seconds(1)))).unwrap();
    assert!(tally.stopped && tally.completed < 200, "{tally:?}");
    let open = landscape.rotations("server").len() - completed(&landscape);
    let due = at_once(landscape.company.journal.due(clock.now(), 1_000)).unwrap();
    let free = due.iter().filter(|due| matches!(due, Due::Rotation(_))).count();
    assert_eq!(free, open, "others can go on with them at once");
    assert!(clock.now().duration_since(keywheel_testkit::rig::START) < seconds(3));
    once(&landscape, &landscape.process("two"));
    landscape.each_was_rotated_once("server");
}

#[test]
fn what_cannot_be_begun_is_reported_and_counted_and_stops_no_other() {
    let mut landscape = Landscape::of(1, 3);
    let server = landscape.server("another", Health::Well);
    let unsafe_policy = Policy {
        interruption: None,
        ..instant()
    };
    landscape.adopt("another/role", &server, unsafe_policy, 100);
    let tally = once(&landscape, &landscape.process("one"));
    assert_eq!((tally.completed, tally.failed), (3, 1), "{tally:?}");
    assert_eq!(tally.overdue.idle, ["another/role".parse().unwrap()]);
    assert_eq!(
        landscape
            .told
            .count("failed Credential(CredentialName(\"another/role\"))"),
        1
    );
    // A scheduler that goes on tries it again after pauses that double, and says how much is overdue once.
    let tally = for_a_while(&landscape, &landscape.process("one"), seconds(1_000));
    assert_eq!(tally.failed, 6, "at 0, 30, 90, 210, 450 and 930 seconds");
    assert_eq!(landscape.told.count("overdue 1"), 1);
}

#[test]
fn what_went_back_is_tried_again_after_pauses_that_grow() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Dead);
    let policy = Policy {
        step_timeout: seconds(5),
        ..instant()
    };
    landscape.adopt("server/role", &server, policy, 100);
    let app = landscape.process("one");
    let tally = for_a_while(&landscape, &app, seconds(3_500));
    assert_eq!((tally.opened, tally.rolled_back), (1, 1), "{tally:?}");
    let tally = once(&landscape, &app);
    assert_eq!((tally.opened, tally.overdue.idle.len()), (0, 1), "{tally:?}");
    let tally = for_a_while(&landscape, &app, seconds(24 * 3_600));
    assert_eq!(tally.rolled_back, 4, "after 1, 2, 4 and 8 hours: {tally:?}");
}

#[test]
fn a_rotation_that_is_stuck_is_named_by_every_run() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::ReadOnly);
    landscape.adopt("server/role", &server, instant(), 100);
    let app = landscape.process("one");
    let first = once(&landscape, &app);
    assert_eq!((first.opened, first.stuck), (1, 1), "{first:?}");
    let second = once(&landscape, &app);
    assert_eq!(
        (second.stuck, second.overdue.stuck),
        (0, vec!["server/role".parse().unwrap()])
    );
    for_a_while(&landscape, &app, seconds(100));
    assert_eq!(landscape.told.count("overdue 0 stuck 1"), 1);
}

#[test]
fn who_has_to_approve_is_asked_once_and_heard_at_once() {
    let mut landscape = Landscape::new();
    let server = landscape.server("server", Health::Well);
    let policy = Policy {
        approvers: vec![APPROVER.to_owned()],
        ..instant()
    };
    landscape.adopt("server/role", &server, policy, 100);
    let clock = &landscape.company.clock;
    let (one, two) = (landscape.process("one"), landscape.process("two"));
    let scheduler = one.scheduler("one");
    let saying = async {
        clock.sleep(seconds(600)).await;
        let id = two.active(&"server/role".parse().unwrap()).await.unwrap();
        two.approve(&id, APPROVER).await.unwrap();
    };
    let running = scheduler.run(landscape.told.as_ref(), clock.sleep(seconds(610)));
    let (tally, ()) = run(clock, join(running, saying));
    let tally = tally.unwrap();
    assert_eq!((tally.asks, tally.completed), (1, 1), "{tally:?}");
}

#[test]
fn what_is_wired_elsewhere_is_left_to_those_who_can() {
    let mut landscape = Landscape::of(1, 2);
    let stranger = landscape.process("stranger");
    let server = landscape.server("another", Health::Well);
    let policy = Policy {
        grace: seconds(1_000),
        ..instant()
    };
    landscape.adopt("another/role", &server, policy, 100);
    let tally = once(&landscape, &stranger);
    assert_eq!((tally.completed, tally.unmanaged, tally.failed), (2, 1, 0), "{tally:?}");
    let tally = once(&landscape, &landscape.process("one"));
    assert_eq!((tally.opened, tally.waits), (1, 1), "{tally:?}");
    // Its rotation has come to be due: the stranger does not even take its lease.
    landscape.company.clock.advance(seconds(30));
    let id = at_once(landscape.process("one").active(&"another/role".parse().unwrap())).unwrap();
    let before = landscape.rotations("another");
    let tally = once(&landscape, &stranger);
    assert_eq!((tally.unmanaged, tally.failed), (1, 0), "{tally:?}");
    assert_eq!(landscape.rotations("another"), before);
    let other = "x".parse().unwrap();
    let now = landscape.company.clock.now();
    let free = landscape.company.journal.claim(&id, &other, now, seconds(1));
    assert_eq!(at_once(free).unwrap().token.0, 2, "nobody but its first driver had it");
}
