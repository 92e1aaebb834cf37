//! The example's databases, as its configuration stands but for ports, on real servers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keywheel_testkit::containers::{Postgres, Redis};
use keywheel_tests::folder::Folder;
use keywheel_tests::live::postgres::Database;
use keywheel_tests::live::redis::Instance;
use keywheel_tests::live::{Login, Server};
use serde_json::Value;

/// The files of the example that its configuration names.
const FILES: [&str; 3] = ["reload.sh", "health.sh", "production.yaml.j2"];
const FIRST: &str = "the-password-that-was-there-before";
const ROTATOR: &str = "the-password-of-the-hand-that-rotates";
const RIGHTS: &str = "-@all +acl|getuser +acl|setuser +acl|save +acl|list +acl|dryrun +client|list +client|kill +client|id +client|setname \
                      +config|get +config|set +config|rewrite +cluster|nodes +info +time +ping";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/goimg")
}

/// The example's folder, for servers at those ports.
fn folder(postgres: u16, redis: u16) -> Folder {
    let config = std::fs::read_to_string(source().join("keywheel.toml")).unwrap();
    let placed = [
        (
            "host = \"127.0.0.1\",",
            format!("host = \"127.0.0.1\", port = {postgres},"),
        ),
        ("127.0.0.1:5432", format!("127.0.0.1:{postgres}")),
        ("127.0.0.1:6379", format!("127.0.0.1:{redis}")),
    ];
    let config = placed.iter().fold(config, |config, (from, to)| {
        assert!(config.contains(from), "the example has no {from}");
        config.replace(from, to)
    });
    let folders = ["secrets", "reports", "reports/postgres", "reports/redis", "archive"];
    let folder = Folder::make(&config, &folders).unwrap();
    for file in FILES {
        std::fs::copy(source().join(file), folder.path(file)).unwrap();
    }
    for (name, password) in [
        ("postgres-password", FIRST),
        ("postgres-admin", ROTATOR),
        ("redis-password", FIRST),
        ("redis-admin", ROTATOR),
    ] {
        folder.write(name, password).unwrap();
    }
    folder
}

/// An instance of the application: it reads what it is shown, logs in with it, and reports that.
async fn application(shown: PathBuf, report: PathBuf, server: impl Server, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if let Some((revision, login)) = read(&shown) {
            server.connect(&login).await.expect("what is shown works").close().await;
            let text = format!("{{\"instance\": \"api-1\", \"revision\": {revision}}}");
            let new = report.with_extension("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, &report).unwrap();
        }
        pause().await;
    }
}

/// The revision and the login of the delivery that the folder shows, read through one look at its link.
fn read(shown: &Path) -> Option<(u64, Login)> {
    let delivery = shown.join("..data").canonicalize().ok()?;
    let view: Value = serde_json::from_slice(&std::fs::read(delivery.join("view.json")).ok()?).ok()?;
    let url = std::fs::read_to_string(delivery.join("url")).ok()?;
    let (username, password) = url.split_once("://")?.1.split_once('@')?.0.split_once(':')?;
    let login = Login {
        username: username.to_owned(),
        password: password.to_owned(),
    };
    Some((view["revision"].as_u64()?, login))
}

/// What the page of the example says to do, in an emergency, because its grace is two days long.
async fn rotate(folder: &Folder, name: &'static str, application: impl Future<Output = ()>, stop: &AtomicBool) {
    let work = async {
        let on = |arguments: Vec<&'static str>| {
            let folder = folder.path("");
            tokio::task::spawn_blocking(move || run(&folder, &arguments))
        };
        on(vec!["doctor", name]).await.unwrap();
        on(vec!["adopt", name]).await.unwrap();
        on(vec!["rotate", name, "--emergency", "SEC-2026-0042", "--yes"])
            .await
            .unwrap();
        on(vec!["verify", name]).await.unwrap();
        on(vec!["doctor", name]).await.unwrap();
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(work, application);
}

fn run(folder: &Path, arguments: &[&str]) {
    let mut command = std::process::Command::new(keywheel_tests::command::program());
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&said)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_of_the_example_rotate_as_it_stands() {
    let (postgres, redis) = (Postgres::start().await, Redis::start().await);
    postgres
        .sql(&format!("CREATE ROLE keywheel LOGIN CREATEROLE PASSWORD '{ROTATOR}'"))
        .await;
    postgres
        .sql(&format!("CREATE ROLE goimg LOGIN PASSWORD '{FIRST}'"))
        .await;
    postgres.sql("CREATE DATABASE goimg OWNER goimg").await;
    redis.ask(&format!("ACL SETUSER keywheel on >{ROTATOR} {RIGHTS}")).await;
    redis.ask(&format!("ACL SETUSER default resetpass >{FIRST}")).await;
    let folder = folder(postgres.port(), redis.port());

    let (stop, database) = (
        AtomicBool::new(false),
        Database {
            port: postgres.port(),
            name: "goimg".to_owned(),
        },
    );
    let report = folder.path("reports/postgres/api-1.json");
    let api = application(folder.path("database"), report, database, &stop);
    rotate(&folder, "goimg/postgres", api, &stop).await;
    let logins = postgres
        .sql("SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper ORDER BY 1")
        .await;
    assert_eq!(logins, "goimg_a\nkeywheel");

    let (stop, instance) = (
        AtomicBool::new(false),
        Instance {
            port: redis.port(),
            password_only: true,
        },
    );
    let report = folder.path("reports/redis/api-1.json");
    let api = application(folder.path("cache"), report, instance.clone(), &stop);
    rotate(&folder, "goimg/redis", api, &stop).await;
    assert!(
        instance.client(None, FIRST).await.is_err(),
        "the first password is dead"
    );
    folder.works(&["audit", "verify"]);
}

#[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
