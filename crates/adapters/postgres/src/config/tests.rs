use super::*;

fn read(json: &str) -> PostgresConfig {
    serde_json::from_str(json).unwrap()
}

const LEAST: &str = r#"{"role":"goimg","admin":{"host":"db.internal","user":"keywheel"}}"#;

fn with(change: impl FnOnce(&mut PostgresConfig)) -> Result<(), ConfigError> {
    let mut config = read(LEAST);
    change(&mut config);
    config.check()
}

fn name(text: &str) -> RoleName {
    text.parse().unwrap()
}

#[test]
fn a_role_and_a_rotator_are_enough() {
    let config = read(LEAST);
    assert_eq!(config.check(), Ok(()));
    assert_eq!(config.kind, Strategy::TwinRoles);
    assert_eq!(config.twin_names(), Ok(Some([name("goimg_a"), name("goimg_b")])));
    assert_eq!(config.admin.tls, Tls::VerifyFull);
    assert_eq!((config.iterations.get(), config.terminate_sessions), (4096, false));
}

#[test]
fn the_rotator_does_not_rotate_itself() {
    let itself = |config: &mut PostgresConfig| config.admin.user = "goimg_b".to_owned();
    assert_eq!(with(itself), Err(ConfigError::RotatesItself(name("goimg_b"))));
}

#[test]
fn three_roles_have_three_names() {
    let same = |config: &mut PostgresConfig| config.twins = Some([name("goimg"), name("b")]);
    assert_eq!(with(same), Err(ConfigError::SameName(name("goimg"))));
    let long = |config: &mut PostgresConfig| config.role = name(&"x".repeat(62));
    assert!(matches!(with(long), Err(ConfigError::Twin(_))));
    let in_place = |config: &mut PostgresConfig| {
        config.kind = Strategy::InPlace;
        config.twins = Some([name("a"), name("b")]);
    };
    assert_eq!(with(in_place), Err(ConfigError::NoTwins));
}

#[test]
fn what_could_only_fail_later_is_refused() {
    let rounds = |count| move |config: &mut PostgresConfig| config.iterations = NonZeroU32::new(count).unwrap();
    assert_eq!(with(rounds(4095)), Err(ConfigError::Iterations(4095)));
    assert_eq!(with(rounds(100_001)), Err(ConfigError::Iterations(100_001)));
    assert_eq!(
        with(|config| config.check = " ".to_owned()),
        Err(ConfigError::Text("check"))
    );
    let none = |config: &mut PostgresConfig| config.connect_timeout = SignedDuration::ZERO;
    assert_eq!(with(none), Err(ConfigError::Time("connect_timeout")));
    assert_eq!(
        with(|config| config.admin.max_connections = 0),
        Err(ConfigError::Connections)
    );
    let comma = |config: &mut PostgresConfig| config.admin.user = "key,wheel".to_owned();
    assert_eq!(with(comma), Err(ConfigError::AdminUser("key,wheel".to_owned())));
}

#[test]
fn protection_that_would_not_be_there_is_refused() {
    let socket = |config: &mut PostgresConfig| config.admin.host = "/run/postgresql".to_owned();
    assert!(matches!(with(socket), Err(ConfigError::SocketWithTls(_))));
    let unused = |config: &mut PostgresConfig| {
        config.admin.tls = Tls::Require;
        config.admin.ca_file = Some("ca.pem".into());
    };
    assert!(matches!(with(unused), Err(ConfigError::UnusedCa(_))));
}

#[test]
fn a_misspelled_field_and_a_secret_are_refused() {
    for json in [
        r#"{"role":"goimg","admin":{"host":"db","user":"keywheel"},"chekc":"SELECT 1"}"#,
        r#"{"role":"goimg","admin":{"host":"db","user":"keywheel","password":"canary"}}"#,
    ] {
        let error = serde_json::from_str::<PostgresConfig>(json).unwrap_err().to_string();
        assert!(error.contains("unknown field") && !error.contains("canary"), "{error}");
    }
}

#[test]
fn files_count_from_the_folder_of_the_configuration() {
    let mut config = read(
        r#"{"role":"goimg","admin":{"host":"db","user":"keywheel","ca_file":"ca.pem"},
            "endpoint":[{"host":"replica","ca_file":"/etc/ca.pem"},{"kind":"pooler","host":"pooler","port":6432}]}"#,
    );
    config = config.relative_to(Path::new("/etc/keywheel"));
    assert_eq!(config.admin.ca_file.as_deref(), Some(Path::new("/etc/keywheel/ca.pem")));
    assert_eq!(config.endpoints[0].ca_file.as_deref(), Some(Path::new("/etc/ca.pem")));
    assert_eq!(config.endpoints[0].kind, EndpointKind::Replica);
    assert_eq!(
        (config.endpoints[1].kind, config.endpoints[1].port),
        (EndpointKind::Pooler, 6432)
    );
}
