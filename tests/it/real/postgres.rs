//! PostgreSQL roles, rotated on a real server while clients log in all the time.

use std::sync::Arc;
use std::time::Duration;

use keywheel_app::Driven;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::Issuer;
use keywheel_domain::rotation::Outcome;
use keywheel_testkit::containers::Postgres;
use keywheel_tests::live::postgres::Scene;
use keywheel_tests::live::{Clients, Stage, quick};

use super::{assert_nobody_noticed, rotate_twice};

async fn stage(scene: &Scene, policy: Policy) -> Stage {
    let issuer: Arc<dyn Issuer> = Arc::new(scene.issuer());
    let stage = Stage::new("postgresql_password", issuer, policy).await;
    let (role, password) = scene.login();
    stage.adopt(role, password).await.expect("the role is as it should be");
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_roles_take_turns_and_no_login_fails() {
    let server = Postgres::start().await;
    let scene = Scene::make(&server, "twin_roles").await;
    let stage = stage(&scene, quick()).await;
    let tally = rotate_twice(&stage, scene.server()).await;
    assert_nobody_noticed(&tally);
    assert_eq!(
        scene.logins().await,
        ["goimg_b", "keywheel"],
        "the twin in use, and the hand that rotates"
    );
    let record = stage.last_record().await;
    assert_eq!(record.downtime_seconds, Some(0.0));
    let dead = |evidence: &str| evidence.contains("28P01") || evidence.contains("28000");
    assert!(
        record.evidence.iter().any(|fact| dead(&fact.detail)),
        "{:?}",
        record.evidence
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_replaced_in_place_interrupts_as_long_as_the_canary_says() {
    let server = Postgres::start().await;
    let scene = Scene::make(&server, "in_place").await;
    let mut policy = quick();
    policy.interruption = Some("one role, one password".to_owned());
    let stage = stage(&scene, policy).await;
    let clients = Clients::start(&scene.server(), &stage.login_file(), 8, 0);
    let driven = stage.rotate().await.expect("the journal works");
    assert_eq!(driven, Driven::Rested(Outcome::Completed));
    clients.reach(1).await;
    let tally = clients.stop().await;
    let record = stage.last_record().await;
    let measured = Duration::from_secs_f64(record.downtime_seconds.expect("the canary sang"));
    let seen = tally.outage();
    let resolution = Duration::from_millis(500);
    assert!(
        measured.abs_diff(seen) <= resolution,
        "the canary measured {measured:?}, clients saw {seen:?}: {:?}",
        tally.failures()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_stays_open_holds_the_drain_and_is_named() {
    let server = Postgres::start().await;
    let scene = Scene::make(&server, "twin_roles").await;
    let stage = stage(&scene, quick()).await;
    let lingering = scene.linger("nightly-report").await;
    let rotation = stage.open().await.expect("nothing else runs");
    let held = stage.drive_until_held(&rotation).await;
    assert!(held.contains("nightly-report"), "{held}");
    assert!(
        scene.logins().await.contains(&"goimg".to_owned()),
        "nothing is taken away while it is in use"
    );
    drop(lingering);
    let driven = stage.drive(&rotation).await.expect("the journal works");
    assert_eq!(driven, Driven::Rested(Outcome::Completed));
}
