use super::*;

fn config(change: impl FnOnce(&mut RedisConfig)) -> Result<(), ConfigError> {
    let json = serde_json::json!({ "nodes": ["10.0.0.1:6379"], "user": "goimg", "admin_user": "keywheel" });
    let mut config: RedisConfig = serde_json::from_value(json).unwrap();
    change(&mut config);
    config.check()
}

#[test]
fn a_node_a_user_and_an_administrator_are_enough() {
    assert_eq!(config(|_| ()), Ok(()));
    assert_eq!(config(|c| c.nodes.clear()), Err(ConfigError::NoNodes));
    assert_eq!(config(|c| c.admin_user = None), Err(ConfigError::NoAdmin));
}

#[test]
fn the_user_is_default_and_two_passwords_overlap_unless_said_otherwise() {
    let json = serde_json::json!({ "nodes": ["[::1]:6379"], "admin_user": "keywheel" });
    let config: RedisConfig = serde_json::from_value(json).unwrap();
    assert_eq!(
        (config.strategy, config.user.as_str()),
        (Strategy::DualPassword, "default")
    );
    assert_eq!(config.check, ["PING"]);
    assert!(config.discover && !config.kill_connections);
}

#[test]
fn an_unknown_field_is_refused() {
    let json = serde_json::json!({ "nodes": ["a:1"], "admin_pasword": "x" });
    assert!(serde_json::from_value::<RedisConfig>(json).is_err());
}

#[test]
fn users_that_redis_cannot_have_or_keep_are_refused() {
    for bad in ["", "a b", "a\nb", "a\0b", "a'b", "a\"b", "a\u{a0}b"] {
        assert_eq!(
            config(|c| c.user = bad.to_owned()),
            Err(ConfigError::User(bad.to_owned())),
            "{bad:?}"
        );
    }
    for good in ["goimg", "ünïcode", "100%", "a\\b", "$(x)", "#x", ">y"] {
        assert_eq!(config(|c| c.user = good.to_owned()), Ok(()), "{good:?}");
    }
}

#[test]
fn the_hand_that_feeds_is_not_rotated() {
    let same = |c: &mut RedisConfig| c.admin_user = Some("goimg".to_owned());
    assert_eq!(config(same), Err(ConfigError::AdminIsRotated("goimg".to_owned())));
    let twin = |c: &mut RedisConfig| {
        c.strategy = Strategy::TwinUsers;
        c.admin_user = Some("goimg_b".to_owned());
    };
    assert_eq!(config(twin), Err(ConfigError::AdminIsRotated("goimg_b".to_owned())));
}

#[test]
fn each_strategy_says_whom_it_cannot_rotate() {
    let default_twins = |c: &mut RedisConfig| (c.strategy, c.user) = (Strategy::TwinUsers, DEFAULT_USER.to_owned());
    assert_eq!(config(default_twins), Err(ConfigError::TwinsOfDefault));
    assert_eq!(
        config(|c| c.strategy = Strategy::InPlace),
        Err(ConfigError::InPlaceOfNamed)
    );
    let legacy = |c: &mut RedisConfig| {
        (c.strategy, c.user, c.admin_user) = (Strategy::InPlace, DEFAULT_USER.to_owned(), None);
    };
    assert_eq!(config(legacy), Ok(()));
}

#[test]
fn sentinels_and_their_fields_go_together() {
    assert_eq!(config(|c| c.mode = Mode::Sentinel), Err(ConfigError::NoMaster));
    assert_eq!(
        config(|c| c.master = Some("mymaster".to_owned())),
        Err(ConfigError::NotSentinel)
    );
    assert_eq!(config(|c| c.sentinel_clients = true), Err(ConfigError::NotSentinel));
    let whole = |c: &mut RedisConfig| (c.mode, c.master) = (Mode::Sentinel, Some("mymaster".to_owned()));
    assert_eq!(config(whole), Ok(()));
}

#[test]
fn a_consent_needs_a_reason() {
    assert_eq!(
        config(|c| c.allow_unpersisted = Some(" ".to_owned())),
        Err(ConfigError::NoReason)
    );
    assert_eq!(config(|c| c.allow_unpersisted = Some("a cache".to_owned())), Ok(()));
}

#[test]
fn the_other_numbers_have_to_make_sense() {
    assert_eq!(config(|c| c.check.clear()), Err(ConfigError::NoCheck));
    assert_eq!(config(|c| c.timeout = SignedDuration::ZERO), Err(ConfigError::Timeout));
}

#[test]
fn a_certificate_file_counts_from_the_folder_of_the_configuration() {
    let json = serde_json::json!({ "nodes": ["a:1"], "tls": { "ca_file": "ca.pem" } });
    let config: RedisConfig = serde_json::from_value(json).unwrap();
    let file = config
        .relative_to(Path::new("/etc/keywheel"))
        .tls
        .unwrap()
        .ca_file
        .unwrap();
    assert_eq!(file, Path::new("/etc/keywheel/ca.pem"));
}
