//! Credentials with a problem do not hide the others.

use keywheel_app::{AppError, Keywheel, Unusable};
use keywheel_domain::ports::Append;
use keywheel_domain::rotation::{Entry, Event};
use keywheel_domain::schedule::Period;
use keywheel_testkit::executor::run;
use keywheel_testkit::rig::Company;
use keywheel_testkit::world::{Setup, Style};

use crate::usual::{builder, company, keywheel, name, open, wiring};

/// One that works, and before and after it by name ones whose backends could not be built.
fn between_two(company: &Company) -> Keywheel {
    let rig = company.ports();
    let unusable = || Unusable {
        kind: "database_password".to_owned(),
        period: Period::months(1),
        problem: "the template does not compile".to_owned(),
    };
    builder(&rig, "looks")
        .unusable("zoo/cache".parse().unwrap(), unusable())
        .unusable("bank/ledger".parse().unwrap(), unusable())
        .credential(name(), wiring(&rig))
        .build()
}

#[test]
fn what_cannot_be_used_is_listed_with_its_problem_between_the_others() {
    let company = company(Setup::new(Style::TwinUsers));
    let app = between_two(&company);
    let lines = run(&company.clock, app.list()).unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.name.as_str(), line.problem.as_ref().map(ToString::to_string)))
        .collect();
    let problem = |name: &str| Some(format!("{name} cannot be used: the template does not compile"));
    assert_eq!(
        told,
        [
            ("bank/ledger", problem("bank/ledger")),
            ("company/database", None),
            ("zoo/cache", problem("zoo/cache")),
        ]
    );
    assert_eq!(
        (lines[0].period, lines[0].kind.as_str()),
        (Period::months(1), "database_password")
    );
}

#[test]
fn nothing_else_is_done_with_it() {
    let company = company(Setup::new(Style::TwinUsers));
    let app = between_two(&company);
    let cache = "zoo/cache".parse().unwrap();
    for refused in [
        run(&company.clock, app.doctor(&cache)).map(drop),
        run(&company.clock, app.history(&cache)).map(drop),
        run(&company.clock, app.create(&cache, "ada")).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, AppError::Unusable { .. }), "{error}");
    }
}

/// What the journal knows does not depend on backends.
#[test]
fn what_the_inventory_knows_of_it_is_shown() {
    let company = company(Setup::new(Style::TwinUsers));
    open(&company, &keywheel(&company.ports(), "opens"));
    let app = builder(&company.ports(), "looks")
        .unusable(
            name(),
            Unusable {
                kind: "database_password".to_owned(),
                period: Period::months(3),
                problem: "no".to_owned(),
            },
        )
        .build();
    let lines = run(&company.clock, app.list()).unwrap();
    assert!(lines[0].credential.as_ref().unwrap().next_due.is_some());
    assert_eq!(lines[0].rotation.as_ref().unwrap().next, "will preflight");
    assert!(matches!(lines[0].problem, Some(AppError::Unusable { .. })));
}

#[test]
fn a_journal_that_does_not_replay_is_the_problem_of_its_credential() {
    let company = company(Setup::new(Style::TwinUsers));
    let app = keywheel(&company.ports(), "looks");
    let id = open(&company, &app);
    run(&company.clock, async {
        let rig = company.ports();
        let now = rig.clock.now();
        let lease = rig
            .journal
            .claim(&id, &"looks".parse().unwrap(), now, app.lease())
            .await
            .unwrap();
        let after = app.rotation(&id).await.unwrap().sequence();
        let forged = Entry {
            sequence: after.next(),
            at: now,
            event: Event::Resumed {
                by: "nobody".to_owned(),
            },
        };
        let append = Append {
            lease,
            after,
            entries: vec![forged],
            credential: None,
            wake: Some(now),
        };
        rig.journal.append(&append).await.unwrap();
    });
    let lines = run(&company.clock, app.list()).unwrap();
    assert!(lines[0].credential.is_some() && lines[0].rotation.is_none());
    assert!(matches!(lines[0].problem, Some(AppError::Damaged { .. })));
}

#[test]
fn a_scheduler_says_what_it_cannot_move_and_moves_the_others() {
    let company = company(Setup::new(Style::TwinUsers));
    let rig = company.ports();
    let unusable = Unusable {
        kind: "database_password".to_owned(),
        period: Period::months(3),
        problem: "no".to_owned(),
    };
    let app = builder(&rig, "looks").unusable(name(), unusable).build();
    company.clock.advance(jiff::SignedDuration::from_hours(24 * 120));
    let told = crate::landscape::Told::default();
    let scheduler = app.scheduler("scheduler");
    let tally = run(&company.clock, scheduler.run_once(&told, std::future::pending())).unwrap();
    assert_eq!((tally.failed, tally.unmanaged), (1, 0), "{tally:?}");
    assert_eq!(tally.overdue.idle, [name()]);
    assert_eq!(
        told.count("failed Credential(CredentialName(\"company/database\"))"),
        1,
        "{:?}",
        told.lines()
    );
}
