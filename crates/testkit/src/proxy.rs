//! A TCP proxy in front of a server, for what networks do.

mod connection;
mod fault;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::containers::port::Port;
use connection::Connection;
use fault::{Behaviour, Loss};

/// A proxy on a port of its own, in front of a server on another one; no container needed.
///
/// It works in a thread of its own: what is asked of it has happened when the call returns, however busy the test's runtime is.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    orders: Option<mpsc::UnboundedSender<Order>>,
    worker: Option<JoinHandle<()>>,
    lost: Arc<AtomicU64>,
}

/// How to behave from now on, and whom to tell when it does.
#[derive(Debug)]
struct Order {
    behaviour: Behaviour,
    done: std::sync::mpsc::SyncSender<()>,
}

impl Proxy {
    /// A proxy that hands everything on to that port of 127.0.0.1.
    pub async fn start(upstream: u16) -> Self {
        let port = Port::take();
        let lost = Arc::new(AtomicU64::new(0));
        let (orders, inbox) = mpsc::unbounded_channel();
        let worker = Worker {
            number: port.number(),
            upstream,
            lost: Arc::clone(&lost),
        };
        let proxy = Self {
            port,
            orders: Some(orders),
            worker: Some(std::thread::spawn(move || worker.run(inbox))),
            lost,
        };
        // It listens as soon as it obeys.
        proxy.heal();
        proxy
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Closes every connection and refuses new ones.
    pub fn cut(&self) {
        self.order(Behaviour {
            cut: true,
            ..Behaviour::default()
        });
    }

    /// Connections stay open and new ones are accepted, but nothing passes any more; it does when the proxy is healed.
    pub fn hang(&self) {
        self.order(Behaviour {
            hang: true,
            ..Behaviour::default()
        });
    }

    /// Every answer takes so much longer.
    pub fn slow(&self, delay: Duration) {
        self.order(Behaviour {
            delay,
            ..Behaviour::default()
        });
    }

    /// Requests reach the server; its first answer is lost with the connection. `false` is what [`Self::heal`] does.
    pub fn lose_answers(&self, lose: bool) {
        let loss = if lose { Loss::Every } else { Loss::Nothing };
        self.lose(loss);
    }

    /// The next request that contains this text reaches the server; the answer to it is lost with the connection. Once.
    ///
    /// For protocols with one answer to a request, such as Redis': whatever the server answers first is what is lost.
    pub fn lose_answer_to(&self, request: &str) {
        self.lose(Loss::to_request(request.as_bytes()));
    }

    /// The next answer that contains this text is lost with the connection. Once.
    ///
    /// PostgreSQL says `ALTER ROLE` when it has altered a role: then the change is certainly made.
    pub fn lose_answer_with(&self, answer: &str) {
        self.lose(Loss::of_answer(answer.as_bytes()));
    }

    /// How many answers were lost so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }

    /// Hands everything on again.
    pub fn heal(&self) {
        self.order(Behaviour::default());
    }

    fn lose(&self, loss: Loss) {
        self.order(Behaviour {
            loss,
            ..Behaviour::default()
        });
    }

    fn order(&self, behaviour: Behaviour) {
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        let orders = self.orders.as_ref().expect("orders are taken until it is dropped");
        orders
            .send(Order { behaviour, done })
            .expect("the proxy works until it is dropped");
        wait.recv().expect("the proxy does what it is told");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.orders.take();
        if let Some(worker) = self.worker.take() {
            // A panic in there was shown by its thread.
            let _panicked = worker.join();
        }
    }
}

/// What runs in the thread.
struct Worker {
    number: u16,
    upstream: u16,
    lost: Arc<AtomicU64>,
}

impl Worker {
    fn run(self, inbox: mpsc::UnboundedReceiver<Order>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .expect("a thread has room for a runtime")
            .block_on(self.serve(inbox));
    }

    async fn serve(self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        let behaviour = watch::Sender::new(Behaviour::default());
        let mut listener = None;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                order = inbox.recv() => {
                    let Some(Order { behaviour: new, done }) = order else { return };
                    if new.cut {
                        listener = None;
                        connections.shutdown().await;
                    } else if listener.is_none() {
                        listener = Some(self.listen().await);
                    }
                    behaviour.send_replace(new);
                    // Whoever gave the order may have given up waiting.
                    let _gone = done.send(());
                }
                client = accept(listener.as_ref()) => {
                    let connection = Connection {
                        behaviour: behaviour.subscribe(),
                        lost: Arc::clone(&self.lost),
                    };
                    connections.spawn(connection.carry(client, self.upstream));
                }
                _ = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    }

    async fn listen(&self) -> TcpListener {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.number)).await;
        listener.expect("the port is held for this proxy")
    }
}

/// The next client; nobody comes while nothing listens.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        if let Ok((client, _)) = listener.accept().await {
            return client;
        }
    }
}

#[cfg(test)]
mod tests;
