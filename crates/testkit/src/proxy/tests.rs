use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Proxy;

/// A server that sends back whatever it gets, and counts how often it got something.
struct Echo {
    port: u16,
    requests: Arc<AtomicU64>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let count = Arc::clone(&count);
                std::thread::spawn(move || echo(client, &count));
            }
        });
        Self { port, requests }
    }
}

fn echo(mut client: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        count.fetch_add(1, Ordering::SeqCst);
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client
}

/// What comes back for a text; nothing if the connection was closed instead.
fn answer(client: &mut TcpStream, text: &str) -> String {
    let mut buffer = [0; 1024];
    let written = client.write_all(text.as_bytes());
    let length = written.and_then(|()| client.read(&mut buffer));
    match length {
        Ok(length) => String::from_utf8_lossy(&buffer[..length]).into_owned(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
            String::new()
        }
    }
}

#[tokio::test]
async fn a_healthy_proxy_hands_everything_on() {
    let proxy = Proxy::start(Echo::start().port).await;
    let mut client = connect(&proxy);
    assert_eq!(answer(&mut client, "one"), "one");
    assert_eq!(answer(&mut client, "two"), "two");
}

#[tokio::test]
async fn a_cut_closes_what_is_open_and_refuses_what_is_new_until_it_heals() {
    let proxy = Proxy::start(Echo::start().port).await;
    let mut client = connect(&proxy);
    assert_eq!(answer(&mut client, "before"), "before");
    proxy.cut();
    assert_eq!(answer(&mut client, "during"), "");
    let refused = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    proxy.heal();
    assert_eq!(answer(&mut connect(&proxy), "after"), "after");
}

#[tokio::test]
async fn a_proxy_that_hangs_keeps_connections_open_and_goes_on_when_it_heals() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port).await;
    proxy.hang();
    let mut client = connect(&proxy);
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    client.write_all(b"held").unwrap();
    let nothing = client.read(&mut [0; 16]).unwrap_err();
    assert!(
        matches!(nothing.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{nothing}"
    );
    assert_eq!(echo.requests.load(Ordering::SeqCst), 0);
    proxy.heal();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut buffer = [0; 4];
    client.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"held");
}

#[tokio::test]
async fn a_slow_proxy_takes_its_time() {
    let proxy = Proxy::start(Echo::start().port).await;
    let mut client = connect(&proxy);
    proxy.slow(Duration::from_secs(30));
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    client.write_all(b"late").unwrap();
    assert!(client.read(&mut [0; 16]).is_err());
}

#[tokio::test]
async fn an_answer_is_lost_after_the_server_has_done_what_was_asked() {
    let echo = Echo::start();
    let proxy = Proxy::start(echo.port).await;
    proxy.lose_answers(true);
    for round in 1..=2 {
        assert_eq!(answer(&mut connect(&proxy), "do it"), "");
        assert_eq!(echo.requests.load(Ordering::SeqCst), round);
        assert_eq!(proxy.lost(), round);
    }
    proxy.lose_answers(false);
    assert_eq!(answer(&mut connect(&proxy), "again"), "again");
}

#[tokio::test]
async fn only_the_answer_to_one_request_is_lost() {
    let proxy = Proxy::start(Echo::start().port).await;
    proxy.lose_answer_to("SETUSER");
    let mut client = connect(&proxy);
    assert_eq!(answer(&mut client, "AUTH x"), "AUTH x");
    assert_eq!(answer(&mut client, "ACL SETUSER x"), "");
    assert_eq!(proxy.lost(), 1);
    assert_eq!(answer(&mut connect(&proxy), "ACL SETUSER x"), "ACL SETUSER x");
}

#[tokio::test]
async fn only_one_answer_of_a_kind_is_lost() {
    let proxy = Proxy::start(Echo::start().port).await;
    proxy.lose_answer_with("ALTER ROLE");
    assert_eq!(answer(&mut connect(&proxy), "SELECT"), "SELECT");
    assert_eq!(answer(&mut connect(&proxy), "ALTER ROLE"), "");
    assert_eq!(answer(&mut connect(&proxy), "ALTER ROLE"), "ALTER ROLE");
    assert_eq!(proxy.lost(), 1);
}
