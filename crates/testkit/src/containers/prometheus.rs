//! Prometheus, which scrapes what a test serves, and Alertmanager, which is told what fires.

use std::ops::Deref;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::network::Network;
use super::probe::Protocol;
use super::server::{Plan, Server};

/// One Prometheus in a container of its own; removed when dropped.
#[derive(Debug)]
pub struct Prometheus(Server);

/// One Alertmanager in a container of its own; removed when dropped.
#[derive(Debug)]
pub struct Alertmanager(Server);

impl Prometheus {
    /// One that scrapes `/metrics` at that port of 127.0.0.1, ten times a second.
    pub async fn scraping(port: u16) -> Self {
        Network::here().expect_shared("a Prometheus");
        let configuration = format!(
            "scrape_configs: [{{job_name: test, scrape_interval: 100ms, scrape_timeout: 100ms, \
             static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]"
        );
        Self(Server::start(|own| plan("prometheus", own, std::slice::from_ref(&configuration))).await)
    }
}

impl Alertmanager {
    /// One to which nothing fires.
    pub async fn start() -> Self {
        Self(Server::start(|port| plan("alertmanager", port, &[])).await)
    }

    /// Has an alert fire, with labels in JSON such as `{"alertname": "Slow"}`.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn fire(&self, labels: &str) {
        self.post("/api/v2/alerts", &format!("[{{\"labels\": {labels}}}]"))
            .await;
    }

    /// Sends JSON to its API, and returns the answer.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.0\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect((self.host(), self.port()))
            .await
            .expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        assert!(answer.contains(" 200 OK"), "{answer}");
        answer
    }
}

impl Deref for Prometheus {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl Deref for Alertmanager {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

fn plan(image: &'static str, port: u16, arguments: &[String]) -> Plan {
    let address = format!("{}:{port}", Network::here().listen());
    Plan {
        image,
        protocol: Protocol::Http,
        arguments: [&[address], arguments].concat(),
        environment: Vec::new(),
        disk: None,
    }
}
