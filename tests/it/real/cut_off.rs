//! The network between Keywheel and its servers fails in the middle of rotations. Clients, who have another way, must not notice.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use keywheel_app::Driven;
use keywheel_domain::ports::Issuer;
use keywheel_domain::rotation::Outcome;
use keywheel_testkit::containers::{Postgres, Proxy, Redis};
use keywheel_tests::live::{Clients, Server, Stage, postgres, quick, redis};

/// What happens to the connections.
enum Harm {
    /// One answer with that text is lost.
    Answer(&'static str),
    /// The answer to one request with that text is lost.
    AnswerTo(&'static str),
    /// They break and hang again and again.
    Flapping,
}

/// A rotation through a proxy that does harm, while four clients log in all the time.
async fn rotate(stage: &Stage, proxy: &Proxy, server: Arc<dyn Server>, harm: Harm) {
    let clients = Clients::start(&server, &stage.login_file(), 3, 1);
    let lost = match harm {
        Harm::Answer(text) => {
            proxy.lose_answer_with(text);
            1
        }
        Harm::AnswerTo(text) => {
            proxy.lose_answer_to(text);
            1
        }
        Harm::Flapping => 0,
    };
    let driven = tokio::select! {
        driven = stage.rotate() => driven,
        () = flap(proxy), if lost == 0 => unreachable!("it flaps for as long as somebody waits"),
    };
    let driven = driven.expect("the journal works");
    let failures = stage.failures().await;
    assert_eq!(driven, Driven::Rested(Outcome::Completed), "{failures:?}");
    assert_eq!(proxy.lost(), lost, "{failures:?}");
    clients.reach(1).await;
    let tally = clients.stop().await;
    assert_eq!(tally.failures(), Vec::<String>::new());
}

/// Cuts the way, and lets it hang for longer than an answer may take; between that it works for a moment.
async fn flap(proxy: &Proxy) {
    loop {
        proxy.heal();
        pause(700).await;
        proxy.cut();
        pause(300).await;
        proxy.heal();
        pause(700).await;
        proxy.hang();
        pause(2_500).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "real servers answer in real time")]
async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

async fn of_postgres(harm: Harm) {
    let server = Postgres::start().await;
    let proxy = Proxy::start(server.port()).await;
    let scene = postgres::Scene::make(&server, "twin_roles").await;
    let stage = stage(
        "postgresql_password",
        Arc::new(scene.issuer_at(proxy.port())),
        scene.login(),
    )
    .await;
    rotate(&stage, &proxy, scene.server(), harm).await;
    assert_eq!(scene.logins().await, ["goimg_a", "keywheel"], "nobody is left over");
}

async fn of_redis(harm: Harm) {
    let server = Redis::start().await;
    let proxy = Proxy::start(server.port()).await;
    let scene = redis::Scene::make(&server, "dual_password", "goimg").await;
    let stage = stage("redis_password", Arc::new(scene.issuer_at(proxy.port())), scene.login()).await;
    rotate(&stage, &proxy, scene.server(), harm).await;
}

async fn stage(kind: &str, issuer: Arc<dyn Issuer>, login: (&str, &str)) -> Stage {
    let mut policy = quick();
    // They are broken for more than half of the time in the worst of these tests.
    policy.retry.attempts = 50;
    policy.retry.longest = SignedDuration::from_secs(1);
    let stage = Stage::new(kind, issuer, policy).await;
    stage.adopt(login.0, login.1).await.expect("nothing was done yet");
    stage
}

/// The twin is there, and nobody was told.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_new_role_is_lost() {
    of_postgres(Harm::Answer("CREATE ROLE")).await;
}

/// The old login is gone, and nobody was told.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_an_altered_role_is_lost() {
    of_postgres(Harm::Answer("ALTER ROLE")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_postgresql_breaks_and_hangs_again_and_again() {
    of_postgres(Harm::Flapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_an_added_password_is_lost() {
    of_redis(Harm::AnswerTo("$65\r\n#")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_removed_password_is_lost() {
    of_redis(Harm::AnswerTo("$65\r\n!")).await;
}

/// Before anything is changed the administrator's rights are tried, among them this one: a lost answer is no verdict then, either.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_lost_before_anything_was_changed() {
    of_redis(Harm::AnswerTo("DRYRUN")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_save_is_lost() {
    of_redis(Harm::AnswerTo("*2\r\n$3\r\nACL\r\n$4\r\nSAVE")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_redis_breaks_and_hangs_again_and_again() {
    of_redis(Harm::Flapping).await;
}
