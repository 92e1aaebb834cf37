//! One connection through a proxy.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::fault::Behaviour;

/// What a connection has to know.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) behaviour: watch::Receiver<Behaviour>,
    pub(super) lost: Arc<AtomicU64>,
}

const BUFFER: usize = 64 * 1024;

impl Connection {
    /// Carries bytes both ways until one side closes, or an answer gets lost; then both are closed.
    pub(super) async fn carry(self, client: TcpStream, upstream: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else {
            return;
        };
        // Bytes that wait for more to come would look like a slow server.
        let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let doomed = AtomicBool::new(false);
        // Whichever ends first ends both; why it did is none of the proxy's business.
        let _why = tokio::select! {
            ended = self.requests(from_client, to_server, &doomed) => ended,
            ended = self.answers(from_server, to_client, &doomed) => ended,
        };
    }

    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, doomed: &AtomicBool) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            let behaviour = self.unless_it_hangs().await;
            if behaviour.loss.dooms(&buffer[..length]) {
                doomed.store(true, Ordering::SeqCst);
            }
            to.write_all(&buffer[..length]).await?;
        }
    }

    async fn answers(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, doomed: &AtomicBool) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            let behaviour = self.unless_it_hangs().await;
            if doomed.load(Ordering::SeqCst) || behaviour.loss.takes(&buffer[..length]) {
                self.lost.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
            wait(behaviour.delay).await;
            to.write_all(&buffer[..length]).await?;
        }
    }

    /// How to behave, as soon as anything may pass.
    async fn unless_it_hangs(&self) -> Behaviour {
        let mut behaviour = self.behaviour.clone();
        match behaviour.wait_for(|behaviour| !behaviour.hang).await {
            Ok(behaviour) => behaviour.clone(),
            // The proxy is gone, and ends this connection with the next step.
            Err(_) => Behaviour::default(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a slow network takes real time")]
async fn wait(delay: std::time::Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}
