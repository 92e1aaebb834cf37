use keywheel_testkit::containers::{Postgres, Proxy};

#[tokio::test]
async fn a_server_answers_and_has_the_settings_that_were_asked_for() {
    let postgres = Postgres::start_with(&[("password_encryption", "md5"), ("max_connections", "17")]).await;
    assert_eq!(postgres.sql("show password_encryption").await, "md5");
    assert_eq!(postgres.sql("show max_connections").await, "17");
    assert_eq!(postgres.sql("show fsync").await, "off");
}

#[tokio::test]
async fn over_tcp_everybody_has_to_know_a_password() {
    let postgres = Postgres::start().await;
    let right = postgres.url("postgres");
    let wrong = right.replace(Postgres::PASSWORD, "guess");
    assert_eq!(
        postgres.execute(&["psql", "-At", "-c", "select 1", &right]).await,
        "1\n"
    );
    let refused = postgres.try_execute(&["psql", "-At", "-c", "select 1", &wrong]).await;
    assert!(refused.errors.contains("password authentication failed"), "{refused:?}");
}

#[tokio::test]
async fn a_restart_keeps_the_port_the_data_and_what_a_test_has_set() {
    let postgres = Postgres::start_with(&[("work_mem", "1MB")]).await;
    let port = postgres.port();
    postgres.sql("create role survivor").await;
    postgres.sql("alter system set work_mem = '2MB'").await;
    postgres.restart().await;
    assert_eq!(postgres.port(), port);
    assert_eq!(
        postgres
            .sql("select count(*) from pg_roles where rolname = 'survivor'")
            .await,
        "1"
    );
    assert_eq!(postgres.sql("show work_mem").await, "2MB");
}

#[tokio::test]
async fn a_killed_server_keeps_what_it_had_confirmed() {
    let postgres = Postgres::start().await;
    postgres.sql("create role survivor").await;
    postgres.kill().await;
    postgres.start_again().await;
    assert_eq!(
        postgres
            .sql("select count(*) from pg_roles where rolname = 'survivor'")
            .await,
        "1"
    );
}

#[tokio::test]
async fn a_stopped_server_refuses_and_a_paused_one_hangs() {
    let postgres = Postgres::start().await;
    postgres.stop().await;
    let address = (postgres.host(), postgres.port());
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    postgres.start_again().await;
    postgres.pause().await;
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client
        .set_read_timeout(Some(std::time::Duration::from_millis(100)))
        .unwrap();
    std::io::Write::write_all(&mut client, b"\0\0\0\x08\x04\xd2\x16\x2f").unwrap();
    assert!(std::io::Read::read(&mut client, &mut [0; 1]).is_err());
    postgres.unpause().await;
    assert_eq!(postgres.sql("select 1").await, "1");
}

#[tokio::test]
async fn a_full_disk_is_reported_and_can_be_mended() {
    let postgres = Postgres::start_on_small_disk(120, &[]).await;
    postgres.sql("create table small (text text)").await;
    postgres.fill_disk().await;
    let many = "insert into small select repeat('x', 1000) from generate_series(1, 20000)";
    let full = postgres.try_execute(&["psql", "-c", many]).await;
    assert!(full.errors.contains("No space left on device"), "{full:?}");
    postgres.free_disk().await;
}

#[tokio::test]
async fn a_replica_follows_and_can_be_made_to_lag() {
    let primary = Postgres::start().await;
    let replica = Postgres::replica_of(&primary, &[]).await;
    primary.sql("create role prompt").await;
    let count = "select count(*) from pg_roles where rolname in ('prompt', 'late')";
    while replica.sql(count).await == "0" {
        // Each look takes the time of a program that starts: no need to sleep.
    }
    replica.sql("alter system set recovery_min_apply_delay = '1h'").await;
    replica.restart().await;
    primary.sql("create role late").await;
    assert_eq!(replica.sql(count).await, "1");
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_role_altered() {
    let postgres = Postgres::start().await;
    postgres.sql("create role app login").await;
    let proxy = Proxy::start(postgres.port()).await;
    let through = postgres
        .url("postgres")
        .replace(&postgres.port().to_string(), &proxy.port().to_string());
    proxy.lose_answer_with("ALTER ROLE");
    let lost = postgres
        .try_execute(&["psql", "-c", "alter role app connection limit 7", &through])
        .await;
    assert!(lost.errors.contains("closed the connection unexpectedly"), "{lost:?}");
    assert_eq!(proxy.lost(), 1);
    assert_eq!(
        postgres
            .sql("select rolconnlimit from pg_roles where rolname = 'app'")
            .await,
        "7"
    );
}

#[tokio::test]
async fn a_server_vanishes_with_its_handle() {
    let postgres = Postgres::start().await;
    let address = (postgres.host(), postgres.port());
    drop(postgres);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_sure_of_the_server() {
    let (postgres, authority) = Postgres::start_tls(&[]).await;
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert=/tmp/authority.pem",
        postgres.url("postgres")
    );
    let ask = [
        "psql",
        "-At",
        "-c",
        "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
        &url,
    ];
    let unknown = postgres.try_execute(&ask).await;
    assert!(unknown.errors.contains("does not exist"), "{unknown:?}");
    let trust = format!("echo '{authority}' > /tmp/authority.pem");
    postgres.execute(&["sh", "-c", &trust]).await;
    assert_eq!(postgres.execute(&ask).await, "t\n");
}
