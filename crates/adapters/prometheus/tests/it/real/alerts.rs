//! Alerts, by an Alertmanager that is told what fires.

use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_domain::ports::{HealthProbe, Verdict};
use keywheel_prometheus::AlertProbe;
use keywheel_testkit::containers::Alertmanager;
use keywheel_testkit::contract;
use keywheel_testkit::contract::health_probe::Probes;

use super::exporter::{At, now};

fn probe(server: &Alertmanager, more: &str) -> AlertProbe {
    let text = format!("name = 'alerts'\nurl = 'http://127.0.0.1:{}'\n{more}", server.port());
    AlertProbe::new(toml::from_str(&text).unwrap(), None, Arc::new(At(now()))).unwrap()
}

const GOIMG: &str = r#"matchers = ['service="goimg"', 'severity=~"critical|page"']"#;
const OTHER: &str = r#"matchers = ['service="other"']"#;
const WATCHED: &str = "watchdog = ['alertname=\"Watchdog\"']";
const WRONG: &str = "matchers = ['service goimg']";

#[tokio::test]
async fn the_contract_of_a_probe_holds() {
    let server = Alertmanager::start().await;
    server
        .fire(r#"{"alertname": "HighErrorRate", "service": "goimg", "severity": "page", "pod": "api-1"}"#)
        .await;
    contract::health_probe::check(&Probes {
        healthy: Arc::new(probe(&server, OTHER)),
        unhealthy: Arc::new(probe(&server, GOIMG)),
        unknown: vec![
            Arc::new(probe(&server, WRONG)),
            Arc::new(probe(&server, &format!("{OTHER}\n{WATCHED}"))),
        ],
    })
    .await;
    let seen = probe(&server, GOIMG).sample(None).await.verdict;
    assert_eq!(seen, Verdict::Unhealthy("HighErrorRate (api-1) fires".to_owned()));
}

#[tokio::test]
async fn silence_counts_only_while_the_watchdog_barks() {
    let server = Alertmanager::start().await;
    let guarded = probe(&server, &format!("{OTHER}\n{WATCHED}"));
    assert!(matches!(guarded.sample(None).await.verdict, Verdict::Unknown(_)));
    server.fire(r#"{"alertname": "Watchdog"}"#).await;
    assert_eq!(guarded.sample(None).await.verdict, Verdict::Healthy);
}

#[tokio::test]
async fn an_alert_that_somebody_silenced_does_not_count() {
    let server = Alertmanager::start().await;
    server
        .fire(r#"{"alertname": "Old", "service": "goimg", "severity": "page"}"#)
        .await;
    assert!(matches!(
        probe(&server, GOIMG).sample(None).await.verdict,
        Verdict::Unhealthy(_)
    ));
    let (starts, ends) = (now(), now() + SignedDuration::from_hours(1));
    let silence = format!(
        r#"{{"matchers": [{{"name": "alertname", "value": "Old", "isRegex": false}}], "startsAt": "{starts}",
            "endsAt": "{ends}", "createdBy": "ada", "comment": "known"}}"#
    );
    server.post("/api/v2/silences", &silence).await;
    assert_eq!(probe(&server, GOIMG).sample(None).await.verdict, Verdict::Healthy);
}
