//! A server whose disk is full.

use keywheel_domain::ports::{Effect, ErrorKind, Issuer, Retry};
use keywheel_testkit::containers::Postgres;
use serde_json::json;

use super::company::{adopted, issuer, next, root, run, set_up};

/// A value that no catalog has a free page for, and that does not compress.
fn large() -> String {
    let mut random = fastrand::Rng::with_seed(7);
    (0..200_000).map(|_| random.alphanumeric()).collect()
}

#[tokio::test]
async fn a_full_disk_refuses_changes_until_there_is_room_and_locks_nobody_out() {
    let server = Postgres::start_on_small_disk(120, &[]).await;
    set_up(&server).await;
    let settings = format!("ALTER ROLE goimg SET \"app.large\" TO '{}'", large());
    let mut root = root(&server).await;
    run(&mut root, &settings).await.unwrap();
    run(&mut root, "GRANT SET ON PARAMETER \"app.large\" TO keywheel")
        .await
        .unwrap();
    let issuer = issuer(server.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    server.fill_disk().await;
    let refused = issuer.stage(&new).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry, refused.effect),
        (ErrorKind::Storage, Retry::Later, Effect::None),
        "{}",
        refused.chain()
    );
    issuer.prove(&adopted()).await.unwrap();
    server.free_disk().await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}
