//! What operators write, and what of it cannot be meant.

use std::sync::Arc;

use keywheel_domain::ports::{Clock, ErrorKind};
use keywheel_prometheus::{AlertProbe, QueryProbe};
use keywheel_testkit::clock::TestClock;
use keywheel_testkit::sample;

fn clock() -> Arc<dyn Clock> {
    TestClock::starting_at(sample::start())
}

fn query(more: &str) -> Result<QueryProbe, String> {
    let text = format!("name = 'errors'\nquery = 'up'\nurl = 'http://127.0.0.1:9'\n{more}");
    let config = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    QueryProbe::new(config, None, clock()).map_err(|error| {
        assert_eq!(error.kind, ErrorKind::Invalid);
        error.chain()
    })
}

fn alerts(more: &str) -> Result<AlertProbe, String> {
    let text = format!("name = 'alerts'\nurl = 'http://127.0.0.1:9'\n{more}");
    let config = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    AlertProbe::new(config, None, clock()).map_err(|error| error.chain())
}

#[test]
fn limits_lengths_and_baselines_are_written_as_people_write_them() {
    query("at_most = 0.5\nfor = '1 min'\nmax_age = '30 s'").unwrap();
    query("baseline = { times = 1.5, plus = 0.1 }").unwrap();
    query("at_least = 1").unwrap();
    alerts("matchers = ['service=\"goimg\"']\nwatchdog = ['alertname=\"Watchdog\"']").unwrap();
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_field_and_the_fix() {
    for (more, says) in [
        ("", "give it `at_most`, `at_least` or `baseline`"),
        ("at_most = nan", "no finite number"),
        ("at_most = 1\nmax_age = '0 s'", "`max_age` is a second or more"),
        (
            "baseline = { times = -1 }",
            "`baseline.times` of the probe errors is below zero",
        ),
        ("at_most = 1\nca_file = '/nowhere/ca.pem'", "`ca_file` /nowhere/ca.pem"),
        ("at_most = 1\nlimit = 2", "unknown field `limit`"),
    ] {
        let refused = query(more).unwrap_err();
        assert!(refused.contains(says), "{more}: {refused}");
    }
    assert!(
        alerts("matchers = []")
            .unwrap_err()
            .contains("would mind every alert there is")
    );
}
