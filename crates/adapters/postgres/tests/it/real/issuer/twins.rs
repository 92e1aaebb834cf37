//! Twins under clients that log in again and again with what they are shown at that moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use jiff::Timestamp;
use keywheel_domain::evidence::EvidenceKind;
use keywheel_domain::ports::{ErrorKind, Issuer, Usage, VersionMaterial};
use keywheel_postgres::PostgresIssuer;
use serde_json::json;

use super::company::{adopted, company, connect, issuer, next, run, staged, username};

/// Clients that write as the application: each write is a login of its own.
struct Clients {
    shown: Arc<RwLock<VersionMaterial>>,
    done: Arc<AtomicBool>,
    writes: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Clients {
    fn start(port: u16, count: usize, first: VersionMaterial) -> Self {
        let mut clients = Self {
            shown: Arc::new(RwLock::new(first)),
            done: Arc::default(),
            writes: Arc::default(),
            tasks: Vec::new(),
        };
        for _ in 0..count {
            let (shown, done, writes) = (clients.shown.clone(), clients.done.clone(), clients.writes.clone());
            clients.tasks.push(tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let version = shown.read().unwrap().clone();
                    let mut connection = connect(port, &version, "goimg-api").await.expect("no login is refused");
                    run(&mut connection, "INSERT INTO photos VALUES (1)")
                        .await
                        .expect("no write is refused");
                    writes.fetch_add(1, Ordering::SeqCst);
                }
            }));
        }
        clients
    }

    fn show(&self, version: &VersionMaterial) {
        *self.shown.write().unwrap() = version.clone();
    }

    /// Waits until that many more writes were made.
    async fn work(&self, more: u64) {
        let until = self.writes.load(Ordering::SeqCst) + more;
        while self.writes.load(Ordering::SeqCst) < until {
            assert!(
                !self.tasks.iter().any(tokio::task::JoinHandle::is_finished),
                "a client was refused"
            );
            super::company::pause(5).await;
        }
    }

    async fn stop(self) -> u64 {
        self.done.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("no client was ever refused");
        }
        self.writes.load(Ordering::SeqCst)
    }
}

/// One rotation as the driver does it.
async fn rotate(issuer: &PostgresIssuer, clients: &Clients, old: &VersionMaterial) -> VersionMaterial {
    let new = staged(issuer, old).await;
    clients.work(20).await;
    clients.show(&new);
    clients.work(20).await;
    let mut looks = 0;
    while !matches!(
        issuer.usage(old, Timestamp::UNIX_EPOCH).await.unwrap(),
        Usage::Unused(_)
    ) {
        looks += 1;
        assert!(looks < 200, "the old version is still in use");
        super::company::pause(10).await;
    }
    issuer.suspend(old).await.unwrap();
    clients.work(20).await;
    issuer.retire(old).await.unwrap();
    let dead = issuer.prove_dead(old).await.unwrap();
    assert_eq!(dead.kind, EvidenceKind::Refused);
    assert!(dead.detail.contains("28P01"), "{}", dead.detail);
    clients.work(20).await;
    new
}

#[tokio::test]
async fn nobody_is_refused_while_an_adopted_role_and_its_twins_take_turns() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let clients = Clients::start(server.port(), 4, adopted());
    let mut current = adopted();
    let mut names = Vec::new();
    for _ in 0..4 {
        current = rotate(&issuer, &clients, &current).await;
        names.push(username(&current).to_owned());
    }
    assert_eq!(names, ["goimg_a", "goimg_b", "goimg_a", "goimg_b"]);
    let writes = clients.stop().await;
    assert_eq!(server.sql("SELECT count(*) FROM photos").await, writes.to_string());
    // What they wrote belongs to the role that was there before, which nobody can log in as any more.
    assert_eq!(
        server
            .sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'goimg'")
            .await,
        "f"
    );
    let comment = server
        .sql("SELECT shobj_description('goimg_b'::regrole, 'pg_authid')")
        .await;
    assert_eq!(comment, "keywheel: goimg/postgres version 5");
}

#[tokio::test]
async fn what_a_twin_makes_belongs_to_the_owner() {
    let server = company().await;
    server.sql("GRANT CREATE ON SCHEMA public TO goimg").await;
    let issuer = issuer(server.port(), json!({}));
    let first = staged(&issuer, &adopted()).await;
    let mut connection = connect(server.port(), &first, "goimg-api").await.unwrap();
    run(&mut connection, "CREATE TABLE thumbnails (id int)").await.unwrap();
    let second = staged(&issuer, &first).await;
    let mut other = connect(server.port(), &second, "goimg-api").await.unwrap();
    run(&mut other, "ALTER TABLE thumbnails ADD COLUMN size int")
        .await
        .unwrap();
    assert_eq!(
        server
            .sql("SELECT tableowner FROM pg_tables WHERE tablename = 'thumbnails'")
            .await,
        "goimg"
    );
}

#[tokio::test]
async fn a_retirement_that_comes_late_does_not_touch_the_version_that_took_the_twin_over() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let second = staged(&issuer, &adopted()).await;
    let third = staged(&issuer, &second).await;
    issuer.retire(&second).await.unwrap();
    let fourth = staged(&issuer, &third).await;
    assert_eq!(username(&fourth), username(&second));
    for _ in 0..2 {
        let told = issuer.suspend(&second).await.unwrap().detail;
        assert!(told.contains("has the password of version 4 now"), "{told}");
        issuer.retire(&second).await.unwrap();
    }
    assert_eq!(issuer.reinstate(&second).await.unwrap_err().kind, ErrorKind::Conflict);
    issuer.prove(&fourth).await.unwrap();
    issuer.prove_dead(&second).await.unwrap();
}

#[tokio::test]
async fn a_role_that_keywheel_did_not_make_gets_no_password() {
    let server = company().await;
    server.sql("CREATE ROLE goimg_a LOGIN PASSWORD 'somebody-elses'").await;
    let issuer = issuer(server.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    let refused = issuer.stage(&new).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let found = issuer.preflight(Some(&adopted())).await.unwrap();
    assert!(
        found.iter().any(|finding| finding.detail.contains("did not make it")),
        "{found:?}"
    );
    // As the message says, somebody who knows better may say so.
    let fix = refused.message().split_once("taken: ").unwrap().1;
    server.sql(fix).await;
    issuer.stage(&new).await.unwrap();
    issuer.prove(&new).await.unwrap();
}

#[tokio::test]
async fn staging_at_the_same_moment_is_staging_once() {
    let server = company().await;
    let issuer = issuer(server.port(), json!({}));
    let new = next(&issuer, &adopted()).await;
    let staged = futures_util::future::join_all((0..6).map(|_| issuer.stage(&new))).await;
    assert!(staged.iter().all(Result::is_ok), "{staged:?}");
    issuer.prove(&new).await.unwrap();
    assert_eq!(
        server
            .sql("SELECT count(*) FROM pg_roles WHERE rolname ~ '^goimg_'")
            .await,
        "1"
    );
}
