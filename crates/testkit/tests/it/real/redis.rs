use keywheel_testkit::containers::{Proxy, Redis};

/// What `redis-cli` says to a command.
async fn cli(redis: &Redis, command: &[&str]) -> String {
    let port = redis.port().to_string();
    let said = redis.execute(&[&["redis-cli", "-p", &port], command].concat()).await;
    said.trim_end().to_owned()
}

#[tokio::test]
async fn users_that_were_saved_survive_a_restart() {
    let redis = Redis::start().await;
    let port = redis.port();
    assert_eq!(
        cli(&redis, &["ACL", "SETUSER", "app", "on", ">secret", "+ping"]).await,
        "OK"
    );
    assert_eq!(cli(&redis, &["ACL", "SAVE"]).await, "OK");
    assert_eq!(cli(&redis, &["ACL", "SETUSER", "unsaved"]).await, "OK");
    redis.restart().await;
    assert_eq!(redis.port(), port);
    assert!(
        cli(&redis, &["--user", "app", "--pass", "secret", "PING"])
            .await
            .ends_with("PONG")
    );
    assert!(!cli(&redis, &["ACL", "USERS"]).await.contains("unsaved"));
}

#[tokio::test]
async fn a_rewritten_configuration_survives_a_restart() {
    let redis = Redis::start_with(&[("requirepass", "old")]).await;
    assert!(redis.ask("PING").await.starts_with("-NOAUTH"));
    assert!(
        cli(&redis, &["-a", "old", "CONFIG", "SET", "requirepass", "new"])
            .await
            .ends_with("OK")
    );
    assert!(cli(&redis, &["-a", "new", "CONFIG", "REWRITE"]).await.ends_with("OK"));
    redis.restart().await;
    assert!(cli(&redis, &["-a", "new", "PING"]).await.ends_with("PONG"));
}

#[tokio::test]
async fn an_acl_file_can_be_made_unwritable() {
    let redis = Redis::start().await;
    redis.execute(&["chmod", "a-w", "/srv/keywheel"]).await;
    assert!(cli(&redis, &["ACL", "SAVE"]).await.contains("error"));
    redis.execute(&["chmod", "u+w", "/srv/keywheel"]).await;
    assert_eq!(cli(&redis, &["ACL", "SAVE"]).await, "OK");
}

#[tokio::test]
async fn a_replica_follows_its_master() {
    let master = Redis::start().await;
    let replica = Redis::replica_of(&master).await;
    // WAIT is about what the same connection has written.
    let commands = format!(
        "printf 'SET key value\\nWAIT 1 10000\\n' | redis-cli -p {}",
        master.port()
    );
    assert_eq!(master.execute(&["sh", "-c", &commands]).await, "OK\n1\n");
    assert_eq!(cli(&replica, &["GET", "key"]).await, "value");
}

#[tokio::test]
async fn a_sentinel_knows_its_master() {
    let master = Redis::start().await;
    let sentinel = Redis::start_sentinel("db", &master, &[("sentinel down-after-milliseconds db", "1000")]).await;
    let address = cli(&sentinel, &["SENTINEL", "get-master-addr-by-name", "db"]).await;
    assert_eq!(address, format!("127.0.0.1\n{}", master.port()));
}

#[tokio::test]
async fn a_cluster_serves_every_key() {
    let nodes = Redis::start_cluster(&[]).await;
    for key in ["a", "b", "c", "d"] {
        assert_eq!(cli(&nodes[0], &["-c", "SET", key, "value"]).await, "OK");
        assert_eq!(cli(&nodes[2], &["-c", "GET", key]).await, "value");
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_user_changed() {
    let redis = Redis::start().await;
    let proxy = Proxy::start(redis.port()).await;
    proxy.lose_answer_to("SETUSER");
    let port = proxy.port().to_string();
    let lost = redis
        .try_execute(&["redis-cli", "-p", &port, "ACL", "SETUSER", "app", "on"])
        .await;
    assert!(!lost.output.contains("OK"), "{lost:?}");
    assert_eq!(proxy.lost(), 1);
    assert!(cli(&redis, &["ACL", "USERS"]).await.contains("app"));
}

#[tokio::test]
async fn a_server_that_speaks_tls_alone_is_known_by_its_authority() {
    let (redis, authority) = Redis::start_tls(&[]).await;
    redis
        .execute(&["sh", "-c", &format!("echo '{authority}' > /tmp/authority.pem")])
        .await;
    let tls = ["--tls", "--cacert", "/tmp/authority.pem", "-h", "127.0.0.1"];
    assert_eq!(cli(&redis, &[&tls[..], &["PING"]].concat()).await, "PONG");
    assert_ne!(redis.ask("PING").await, "+PONG\r\n");
}
