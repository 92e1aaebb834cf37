//! Redis passwords, rotated on a real server while clients log in all the time.

use std::sync::Arc;
use std::time::Duration;

use keywheel_app::Driven;
use keywheel_domain::policy::Policy;
use keywheel_domain::ports::Issuer;
use keywheel_domain::rotation::Outcome;
use keywheel_testkit::containers::Redis;
use keywheel_tests::live::redis::Scene;
use keywheel_tests::live::{Clients, Login, Stage, quick};

use super::{assert_nobody_noticed, rotate_twice};

async fn stage(scene: &Scene, policy: Policy) -> Stage {
    let issuer: Arc<dyn Issuer> = Arc::new(scene.issuer());
    let stage = Stage::new("redis_password", issuer, policy).await;
    let (user, password) = scene.login();
    stage.adopt(user, password).await.expect("the user is as it should be");
    stage
}

async fn no_login_fails(kind: &'static str, user: &'static str) {
    let server = Redis::start().await;
    let scene = Scene::make(&server, kind, user).await;
    let stage = stage(&scene, quick()).await;
    let tally = rotate_twice(&stage, scene.server()).await;
    assert_nobody_noticed(&tally);
    let record = stage.last_record().await;
    assert_eq!(record.downtime_seconds, Some(0.0));
    let refused = |fact: &keywheel_domain::evidence::Evidence| fact.detail.contains("WRONGPASS");
    assert!(record.evidence.iter().any(refused), "{:?}", record.evidence);
    // What was persisted is what the server starts with.
    let shown = Login::shown(&stage.login_file()).expect("the store shows a login");
    server.restart().await;
    scene
        .server()
        .connect(&shown)
        .await
        .expect("the new password outlives a restart")
        .close()
        .await;
    let (user, password) = scene.login();
    let first = Login {
        username: user.to_owned(),
        password: password.to_owned(),
    };
    assert!(
        scene.server().connect(&first).await.is_err(),
        "the first password came back with the restart"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_passwords_of_one_user_overlap_and_no_login_fails() {
    no_login_fails("dual_password", "goimg").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_send_a_password_alone_are_not_refused_either() {
    no_login_fails("dual_password", "default").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_users_take_turns_and_no_login_fails() {
    no_login_fails("twin_users", "goimg").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requirepass_interrupts_as_long_as_the_canary_says() {
    let server = Redis::start().await;
    let scene = Scene::make(&server, "in_place", "default").await;
    let mut policy = quick();
    policy.interruption = Some("one password".to_owned());
    let stage = stage(&scene, policy).await;
    let clients = Clients::start(&scene.server(), &stage.login_file(), 8, 0);
    let driven = stage.rotate().await.expect("the journal works");
    assert_eq!(
        driven,
        Driven::Rested(Outcome::Completed),
        "{:?}",
        stage.failures().await
    );
    let tally = clients.stop().await;
    let record = stage.last_record().await;
    let measured = Duration::from_secs_f64(record.downtime_seconds.expect("the canary sang"));
    let resolution = Duration::from_millis(500);
    assert!(
        measured.abs_diff(tally.outage()) <= resolution,
        "the canary measured {measured:?}, clients saw {:?}: {:?}",
        tally.outage(),
        tally.failures()
    );
}
