use std::path::Path;

use jiff::SignedDuration;
use keywheel_domain::policy::{AtDeadline, EvidenceRule, GracePlacement, Policy};
use keywheel_domain::schedule::Period;
use keywheel_jwt::VerifierConfig;

use super::*;

const GOOD: &str = r#"
[key]
file = "keywheel.key"

[[credential]]
name = "goimg/jwt"
kind = "jwt_signing_key"

[credential.issuer]
verifiers = [{ ring = "keys" }]

[credential.policy]
period = "6 months"

[[credential.store]]
kind = "files"
folder = "keys"
preset = "key_ring"
"#;

const EVERYTHING: &str = r#"period = "90 days"
time_zone = "Europe/Berlin"
grace = "1 min"
grace_placement = "before_due"
retention = "2 min"
soak = "3 min"
observe = "4 min"
tolerance = "5 min"
notice = "6 min"
windows = ["Tue,Wed 02:00-04:00 UTC"]
retry = { attempts = 7, first = "8 s", longest = "9 s" }
converge_within = "10 min"
adopt_within = "11 min"
drain = { evidence = "required", quiet = "12 min", deadline = "13 min", at_deadline = "unwind" }
approvers = ["alice"]
tokens = [{ name = "access", lifetime = "14 min" }]
clock_skew = "15 s"
interruption = "a reason"
step_timeout = "16 s"
poll = "17 ms""#;

fn read(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("/etc/kw/keywheel.toml"), text).map_err(|error| error.to_string())
}

/// The error of the good configuration with one text replaced.
fn broken(text: &str, by: &str) -> String {
    assert!(GOOD.contains(text), "{text}");
    read(&GOOD.replacen(text, by, 1)).unwrap_err()
}

#[test]
fn what_is_not_said_has_the_projects_defaults() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.state.to_string(), "/etc/kw/keywheel.db");
    assert_eq!(config.lease, SignedDuration::from_secs(15));
    assert_eq!(config.credentials[0].policy, Policy::new(Period::months(6)));
}

#[test]
fn relative_paths_count_from_the_folder_of_the_file() {
    let text = GOOD.replace(
        "{ ring = \"keys\" }",
        "{ ring = \"keys\" }, { jwks = \"/srv/a.json\" }, { public_keys = [\"b\"] }",
    );
    let config = read(&text.replace("verifiers", "reports = [\"run\"]\nverifiers")).unwrap();
    let IssuerConfig::KeyRing(issuer) = &config.credentials[0].issuer else {
        panic!("a signing key has a key ring");
    };
    let expected = [
        VerifierConfig::Ring("/etc/kw/keys".into()),
        VerifierConfig::Jwks("/srv/a.json".into()),
        VerifierConfig::PublicKeys(vec!["/etc/kw/b".into()]),
    ];
    assert_eq!(issuer.verifiers, expected);
    assert_eq!(issuer.reports, [Path::new("/etc/kw/run")]);
}

#[test]
fn every_field_of_the_policy_can_be_set() {
    let config = read(&GOOD.replace("period = \"6 months\"", EVERYTHING)).unwrap();
    let policy = &config.credentials[0].policy;
    let (seconds, minutes) = (SignedDuration::from_secs, SignedDuration::from_mins);
    assert_eq!(policy.time_zone, "Europe/Berlin");
    assert_eq!(policy.grace_placement, GracePlacement::BeforeDue);
    let lengths = [
        policy.grace,
        policy.retention,
        policy.soak,
        policy.observe,
        policy.tolerance,
        policy.notice,
    ];
    assert_eq!(lengths, [1, 2, 3, 4, 5, 6].map(minutes));
    let retry = &policy.retry;
    assert_eq!(
        (retry.attempts, retry.first, retry.longest),
        (7, seconds(8), seconds(9))
    );
    let drain = &policy.drain;
    assert_eq!(
        (drain.evidence, drain.at_deadline),
        (EvidenceRule::Required, AtDeadline::Unwind)
    );
    assert_eq!((drain.quiet, drain.deadline), (minutes(12), minutes(13)));
    assert_eq!(
        (policy.converge_within, policy.adopt_within),
        (minutes(10), minutes(11))
    );
    assert_eq!((policy.windows.len(), policy.approvers.len()), (1, 1));
    assert_eq!(
        (policy.tokens[0].lifetime, policy.clock_skew),
        (minutes(14), seconds(15))
    );
    assert_eq!(
        (policy.step_timeout, policy.poll),
        (seconds(16), SignedDuration::from_millis(17))
    );
    assert_eq!(policy.interruption.as_deref(), Some("a reason"));
}

#[test]
fn an_error_names_file_line_field_and_fix() {
    let expected = "/etc/kw/keywheel.toml:13:10: `credential.policy.period` of goimg/jwt: \"6 moons\" is not a period; \
                    write `6 months`, `90 days`, `1 year` or `12 hours`";
    assert_eq!(broken("6 months", "6 moons"), expected);
}

#[test]
fn bad_input_is_refused_with_what_to_write() {
    for (text, by, place, says) in [
        ("period =", "perod =", ":13:1:", "unknown field `perod`"),
        ("period = \"6 months\"", "period = 6", ":13:10:", "a period in quotes"),
        ("period", "grace = \"8 fortnights\"\nperiod", ":13:9:", "write `90 s`"),
        ("period", "grace = 8\nperiod", ":13:9:", "a length of time in quotes"),
        ("period", "poll = \"0 s\"\nperiod", ":13:8:", "no time at all"),
        ("period", "time_zone = \"Mars\"\nperiod", ":13:13:", "not a time zone"),
        (
            "period",
            "windows = [\"Tue\"]\nperiod",
            ":13:11:",
            "Tue,Wed 02:00-04:00 UTC",
        ),
        ("period", "retry = { attempts = 0 }\nperiod", ":13:22:", "nonzero"),
        ("period = \"6 months\"", "", ":12:1:", "missing field `period`"),
        (
            "\"jwt_signing_key\"",
            "\"x\"",
            ":7:8:",
            "write one of `jwt_signing_key`",
        ),
        ("\"files\"", "\"s3\"", ":16:8:", "write one of `files`"),
        ("[key]", "[keys]", ":2:2:", "unknown field `keys`"),
        ("kind = \"jwt_signing_key\"", "kind = 7", ":7:8:", "invalid type"),
        ("goimg/jwt", "goimg//jwt", ":6:8:", "an empty part"),
        ("[{ ring = \"keys\" }]", "[]", ":9:1:", "`verifiers` is empty"),
        ("[[credential]]", "[credential]", ":5:1:", "write `[[credential]]`"),
        ("[[credential]]", "[[credential", ":5:", "no TOML"),
        ("[credential.policy]", "[credential.polcy]", ":", "polcy"),
    ] {
        let error = broken(text, by);
        let place = format!("/etc/kw/keywheel.toml{place}");
        assert!(error.starts_with(&place) && error.contains(says), "{by}: {error}");
    }
}

#[test]
fn a_file_without_a_key_or_with_two_is_refused() {
    assert!(broken("[key]\nfile = \"keywheel.key\"", "").contains("add `[key]`"));
    assert!(broken("file = \"keywheel.key\"", "file = \"a\"\nenv = \"B\"").contains("either `file` or `env`"));
    assert!(broken("file = \"keywheel.key\"", "").contains("either `file` or `env`"));
}

#[test]
fn two_credentials_of_one_name_are_refused_at_the_second() {
    let (head, credential) = GOOD.split_once("[[credential]]").unwrap();
    let error = read(&format!("{head}[[credential]]{credential}[[credential]]{credential}")).unwrap_err();
    assert!(
        error.starts_with("/etc/kw/keywheel.toml:20:8: `credential.name`"),
        "{error}"
    );
    assert!(error.contains("another credential has this name"), "{error}");
}

#[cfg(feature = "kubernetes")]
#[test]
fn what_is_in_a_cluster_is_read_with_its_own_fields() {
    let store = "kind = \"kubernetes\"\nsecret_name = \"db\"\ncluster.kubeconfig = \"kubeconfig\"";
    let key = "[[credential.store.key]]\nname = \"a\"\ntemplate = \"b\"";
    let workload =
        "[[credential.workload]]\nkind = \"kubernetes\"\nname = \"api\"\nsecret_name = \"db\"\ndeployments = [\"api\"]";
    let files = "kind = \"files\"\nfolder = \"keys\"\npreset = \"key_ring\"";
    let text = GOOD.replace(files, &format!("{store}\n{key}\n{workload}"));
    let config = read(&text).unwrap();
    let credential = &config.credentials[0];
    assert!(matches!(&credential.stores[0], StoreConfig::Kubernetes(secret) if secret.keys.len() == 1));
    assert!(matches!(&credential.workloads[0], ConsumerConfig::Kubernetes(rollout) if rollout.parallel.get() == 5));
    assert_eq!(credential.stores[0].folder(), None);
    let misspelled = read(&text.replace("deployments", "deploments")).unwrap_err();
    assert!(misspelled.contains("did you mean `deployments`?"), "{misspelled}");
}
