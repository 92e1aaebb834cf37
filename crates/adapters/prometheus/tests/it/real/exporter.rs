//! Something small that is scraped: one gauge, which tests set; and clocks that stand still.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::Clock;
use keywheel_testkit::containers::Prometheus;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A gauge `errors` and the Prometheus that scrapes it.
#[derive(Debug)]
pub(crate) struct Scraped {
    pub(crate) prometheus: Prometheus,
    text: Arc<Mutex<String>>,
}

impl Scraped {
    /// With the gauge at that, and scraped at least once.
    pub(crate) async fn start(errors: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = Arc::new(Mutex::new(format!("errors {errors}\n")));
        tokio::spawn(serve(listener, Arc::clone(&text)));
        let prometheus = Prometheus::scraping(port).await;
        Self { prometheus, text }
    }

    /// Sets the gauge; `None` has it vanish.
    pub(crate) fn set(&self, errors: Option<f64>) {
        *self.text.lock().unwrap() = errors.map_or_else(String::new, |errors| format!("errors {errors}\n"));
    }
}

async fn serve(listener: TcpListener, text: Arc<Mutex<String>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let body = text.lock().unwrap().clone();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n";
        let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

/// A clock that shows one moment for ever. Its limits never end.
#[derive(Debug)]
pub(crate) struct At(pub(crate) Timestamp);

#[async_trait]
impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    async fn sleep(&self, _: SignedDuration) {
        std::future::pending().await
    }
}

/// The real time, which is what a real Prometheus writes its samples by.
#[expect(clippy::disallowed_methods, reason = "a real server keeps real time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A moment for real things to happen.
#[expect(clippy::disallowed_methods, reason = "a real server is waited for in real time")]
pub(crate) async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}
