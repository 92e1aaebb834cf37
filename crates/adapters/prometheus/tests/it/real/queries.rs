//! Queries, by a Prometheus that scrapes a gauge.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{HealthProbe, Verdict};
use keywheel_prometheus::QueryProbe;
use keywheel_testkit::contract;
use keywheel_testkit::contract::health_probe::Probes;

use super::exporter::{At, Scraped, a_moment, now};

const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// A probe of that query, at that moment.
fn probe(scraped: &Scraped, at: Timestamp, query: &str, more: &str) -> QueryProbe {
    let port = scraped.prometheus.port();
    let text = format!("name = 'errors'\nurl = 'http://127.0.0.1:{port}'\nquery = '{query}'\n{more}");
    QueryProbe::new(toml::from_str(&text).unwrap(), None, Arc::new(At(at))).unwrap()
}

/// The first moment at which the gauge was seen like that.
async fn seen(scraped: &Scraped, condition: &str) -> Timestamp {
    let since = now();
    loop {
        let at = now();
        assert!(
            at.duration_since(since) < PATIENCE,
            "it is scraped. Its log:\n{}",
            scraped.prometheus.log().await
        );
        match probe(scraped, at, "errors", condition).sample(None).await.verdict {
            Verdict::Healthy => return at,
            _ => a_moment().await,
        }
    }
}

async fn verdict(probe: &QueryProbe, began: Option<Timestamp>) -> Verdict {
    probe.sample(began).await.verdict
}

fn says(verdict: &Verdict, text: &str) -> bool {
    match verdict {
        Verdict::Healthy => false,
        Verdict::Unhealthy(why) | Verdict::Unknown(why) => why.contains(text),
    }
}

#[tokio::test]
async fn the_contract_of_a_probe_holds() {
    let scraped = Scraped::start(2.0).await;
    let at = seen(&scraped, "at_least = 2").await;
    let shared = |query: &str| Arc::new(probe(&scraped, at, query, "at_most = 2")) as Arc<dyn HealthProbe>;
    let unreachable = "name = 'away'\nurl = 'http://127.0.0.1:9'\nquery = 'up'\nat_most = 1";
    let away = QueryProbe::new(toml::from_str(unreachable).unwrap(), None, Arc::new(At(at))).unwrap();
    contract::health_probe::check(&Probes {
        healthy: shared("errors"),
        unhealthy: shared("errors * 2"),
        unknown: vec![
            shared("no_such_metric"),
            shared("errors * 0 / 0"),
            shared("{__name__=~\"up|errors\"}"),
            shared("errors and"),
            Arc::new(away),
        ],
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_told_says_what_to_do() {
    let scraped = Scraped::start(1.0).await;
    let at = seen(&scraped, "at_least = 1").await;
    for (query, text) in [
        ("no_such_metric", "or vector(0)"),
        ("errors * 0 / 0", "NaN, which is no number"),
        ("{__name__=~\"up|errors\"}", "make one of them with `sum(…)`"),
        ("errors and", "parse error"),
    ] {
        let seen = verdict(&probe(&scraped, at, query, "at_most = 1"), None).await;
        assert!(
            matches!(seen, Verdict::Unknown(_)) && says(&seen, text),
            "{query}: {seen:?}"
        );
    }
    let none = verdict(&probe(&scraped, at, "no_such_metric or vector(0)", "at_most = 1"), None).await;
    assert_eq!(none, Verdict::Healthy);
}

#[tokio::test]
async fn a_sample_that_is_too_old_is_unknown_although_prometheus_would_still_show_it() {
    let scraped = Scraped::start(1.0).await;
    let at = seen(&scraped, "at_least = 1").await;
    // The clock is ahead: what was scraped until now is two minutes old then.
    let later = at + SignedDuration::from_mins(2);
    let young = verdict(
        &probe(&scraped, later, "errors", "at_most = 1\nmax_age = '4 min'"),
        None,
    )
    .await;
    assert_eq!(young, Verdict::Healthy);
    let old = verdict(
        &probe(&scraped, later, "errors", "at_most = 1\nmax_age = '1 min'"),
        None,
    )
    .await;
    assert!(says(&old, "its newest sample is"), "{old:?}");
}

#[tokio::test]
async fn a_number_is_compared_with_what_it_was_when_the_rotation_began() {
    let scraped = Scraped::start(1.0).await;
    let began = seen(&scraped, "at_least = 1").await;
    scraped.set(Some(3.0));
    let at = seen(&scraped, "at_least = 3").await;
    for (baseline, healthy) in [
        ("{ times = 2 }", false),
        ("{ times = 3 }", true),
        ("{ times = 2, plus = 1 }", true),
    ] {
        let probe = probe(&scraped, at, "errors", &format!("baseline = {baseline}"));
        let seen = verdict(&probe, Some(began)).await;
        assert_eq!(seen == Verdict::Healthy, healthy, "{seen:?}");
        assert!(
            healthy || says(&seen, "3, has to be at most 2; it was 1 when the rotation began"),
            "{seen:?}"
        );
    }
    let before_everything = began - SignedDuration::from_hours(1);
    let nothing = verdict(&probe(&scraped, at, "errors", "baseline = {}"), Some(before_everything)).await;
    assert!(
        matches!(nothing, Verdict::Unknown(_)) && says(&nothing, "nothing to compare with"),
        "{nothing:?}"
    );
}

#[tokio::test]
async fn a_condition_that_has_to_last_counts_only_when_it_did() {
    let scraped = Scraped::start(1.0).await;
    seen(&scraped, "at_least = 1").await;
    scraped.set(Some(9.0));
    let bad_since = seen(&scraped, "at_least = 9").await;
    let patient = |at| probe(&scraped, at, "errors", "at_most = 1\nfor = '1 s'");
    let soon = verdict(&patient(bad_since), None).await;
    assert!(
        matches!(soon, Verdict::Unknown(_)) && says(&soon, "not yet for 1s"),
        "{soon:?}"
    );
    let later = bad_since + SignedDuration::from_millis(1_100);
    let long = verdict(&patient(later), None).await;
    assert!(matches!(long, Verdict::Unhealthy(_)), "{long:?}");
}

#[tokio::test]
async fn a_gauge_that_vanishes_is_unknown() {
    let scraped = Scraped::start(1.0).await;
    seen(&scraped, "at_least = 1").await;
    scraped.set(None);
    let since = now();
    loop {
        match verdict(&probe(&scraped, now(), "errors", "at_most = 1"), None).await {
            Verdict::Healthy => assert!(
                now().duration_since(since) < PATIENCE,
                "a series that ended is not shown any more"
            ),
            seen => return assert!(says(&seen, "finds no series"), "{seen:?}"),
        }
        a_moment().await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_goes_away_is_unknown() {
    let scraped = Scraped::start(1.0).await;
    let at = seen(&scraped, "at_least = 1").await;
    scraped.prometheus.stop().await;
    let away = verdict(&probe(&scraped, at, "errors", "at_most = 1"), None).await;
    assert!(
        matches!(away, Verdict::Unknown(_)) && says(&away, "cannot be reached"),
        "{away:?}"
    );
    scraped.prometheus.start_again().await;
    assert_eq!(
        verdict(&probe(&scraped, at, "errors", "at_most = 1"), None).await,
        Verdict::Healthy
    );
}
