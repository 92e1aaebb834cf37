//! Health checks and reports over HTTP, against a server of a few lines.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use keywheel_domain::ports::{HealthProbe, PortError, Verdict, Workload, WorkloadReport};
use keywheel_local::config::{ProbeConfig, WorkloadConfig};
use keywheel_local::{LocalWorkload, Surroundings, SystemClock, health_probe};
use keywheel_testkit::contract;
use keywheel_testkit::contract::health_probe::Probes;
use keywheel_testkit::sample::name;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::surroundings;

/// Answers every request with that, and returns the address.
async fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            let let_in = answer != GUARDED || request.contains("authorization: bearer canary");
            let answer = if let_in {
                answer
            } else {
                "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"
            };
            let _ = stream.write_all(answer.as_bytes()).await;
            if answer == HANGS {
                open.push(stream);
            }
        }
    });
    format!("http://{address}/health")
}

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"status\":\"ok\",\"errors\":0.2,\"token\":\"x\"}";
const DOWN: &str = "HTTP/1.1 503 No\r\nconnection: close\r\n\r\npassword=hunter2 is wrong";
const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
const NOT_JSON: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall is well";
const GUARDED: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nwelcome";
const REPORT: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"instance\":\"a\",\"revision\":3}";
/// A header that says more will come, and nothing comes.
const HANGS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";

fn real(base: &Path) -> Surroundings {
    Surroundings {
        clock: Arc::new(SystemClock),
        ..surroundings(base)
    }
}

fn try_probe(base: &Path, url: &str, more: &str) -> Result<Arc<dyn HealthProbe>, PortError> {
    let config = format!("kind = 'http'\nname = 'api'\nurl = '{url}'\n{more}");
    let config: ProbeConfig = toml::from_str(&config).unwrap();
    health_probe(&config, &real(base))
}

fn probe(url: &str, more: &str) -> Arc<dyn HealthProbe> {
    try_probe(Path::new("."), url, more).unwrap()
}

async fn verdict(url: &str, more: &str) -> Verdict {
    probe(url, more).sample(None).await.verdict
}

fn unhealthy(verdict: Verdict) -> String {
    match verdict {
        Verdict::Unhealthy(why) => why,
        Verdict::Healthy | Verdict::Unknown(_) => panic!("{verdict:?}"),
    }
}

#[tokio::test]
async fn addresses_as_health_probes_keep_their_contract() {
    let (ok, down, hangs, text) = (
        serve(OK).await,
        serve(DOWN).await,
        serve(HANGS).await,
        serve(NOT_JSON).await,
    );
    let check = "[[json]]\npointer = '/status'\nequals = 'ok'";
    contract::health_probe::check(&Probes {
        healthy: probe(&ok, check),
        unhealthy: probe(&down, check),
        unknown: vec![
            probe(&hangs, "timeout = '50 ms'"),
            probe(&text, check),
            probe(&ok, "[[json]]\npointer = '/missing'\nat_most = 1.0"),
            probe("http://no-such-host.invalid/", "timeout = '5 s'"),
            probe(&ok, "headers_file = '/nowhere/headers'"),
        ],
    })
    .await;
}

#[tokio::test]
async fn a_wrong_status_is_unhealthy_and_its_text_is_shown_without_secrets() {
    let why = unhealthy(verdict(&serve(DOWN).await, "").await);
    assert_eq!(why, "status 503 instead of 200: [redacted] is wrong");
    assert_eq!(verdict(&serve(DOWN).await, "status = 503").await, Verdict::Healthy);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    assert_eq!(
        unhealthy(verdict(&serve(MOVED).await, "").await),
        "status 302 instead of 200"
    );
}

#[tokio::test]
async fn nobody_who_listens_is_unhealthy() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health?key=canary", free.local_addr().unwrap());
    drop(free);
    let why = unhealthy(verdict(&url, "").await);
    assert!(why.contains("refused") && !why.contains("canary"), "{why}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_unhealthy_where_that_is_asked_for() {
    assert!(unhealthy(verdict(&serve(OK).await, "max_latency = '0 s'").await).contains("the most"));
    assert_eq!(
        verdict(&serve(OK).await, "max_latency = '1 min'").await,
        Verdict::Healthy
    );
    let more = "max_latency = '10 ms'\ntimeout = '50 ms'";
    assert!(unhealthy(verdict(&serve(HANGS).await, more).await).contains("no answer within"));
}

#[tokio::test]
async fn values_are_compared() {
    let url = serve(OK).await;
    let checks = "[[json]]\npointer = '/status'\nequals = 'ok'\n[[json]]\npointer = '/errors'\nat_most = ";
    assert_eq!(verdict(&url, &format!("{checks}0.2")).await, Verdict::Healthy);
    assert_eq!(
        unhealthy(verdict(&url, &format!("{checks}0.1")).await),
        "/errors is 0.2, above 0.1"
    );
}

#[tokio::test]
async fn headers_come_from_a_file_that_not_everybody_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("headers");
    let url = serve(GUARDED).await;
    let probe = try_probe(folder.path(), &url, "headers_file = 'headers'").unwrap();
    fs::write(&path, "Authorization: Bearer canary\n\nX-Other: 1\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let open = probe.sample(None).await.verdict;
    assert!(
        matches!(&open, Verdict::Unknown(why) if why.contains("chmod o-rwx")),
        "{open:?}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(probe.sample(None).await.verdict, Verdict::Healthy);
    fs::write(&path, "canary without a colon").unwrap();
    let bad = probe.sample(None).await;
    assert!(
        matches!(&bad.verdict, Verdict::Unknown(why) if why.contains("line 1")),
        "{bad:?}"
    );
    assert!(!format!("{bad:?} {probe:?}").contains("canary"));
}

#[test]
fn addresses_that_cannot_be_meant_are_refused() {
    for (url, more) in [
        ("https://user:pw@host/", ""),
        ("ftp://host/", ""),
        ("https://host/", "[[json]]\npointer = '/a'"),
        ("https://host/", "[[json]]\npointer = 'a'\nat_most = 1.0"),
    ] {
        assert!(try_probe(Path::new("."), url, more).is_err(), "{url} {more}");
    }
}

#[tokio::test]
async fn a_report_is_read_from_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let workload = |url: &str| {
        let config = format!("kind = 'none'\nname = 'api'\nreport.url = '{url}'");
        let config: WorkloadConfig = toml::from_str(&config).unwrap();
        LocalWorkload::new(&config, &real(folder.path())).unwrap()
    };
    let report = workload(&serve(REPORT).await).report(&name()).await.unwrap();
    assert!(matches!(report, WorkloadReport::Instances(found) if found[0].name == "a"));
    let failed = workload(&serve(DOWN).await).report(&name()).await.unwrap_err();
    assert!(failed.message().contains("status 503"), "{failed}");
}
