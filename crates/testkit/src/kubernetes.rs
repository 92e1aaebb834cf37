//! A server of the Kubernetes API on a port of this machine, for the API's own semantics: versions and conflicts, uids and
//! generations, patches, server-side apply with its owners, selectors, watches, statuses and logs; and what goes wrong with it.
//!
//! It does what a real API server was seen to do, and refuses what it does not know. Its time is a [`TestClock`].

mod controller;
mod fault;
mod fields;
mod objects;
mod patch;
mod request;
mod route;
mod secret;
mod selector;
mod server;
mod status;
mod world;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use keywheel_domain::ports::Clock;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::TestClock;
use fault::Fault;
use request::Request;
use world::World;

pub use controller::Behaviour;
pub use fault::Mishap;

/// A cluster's API. Everything of it is gone when it is dropped.
pub struct Emulator {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
}

/// What the server's tasks share.
struct Shared {
    world: Mutex<World>,
    /// Beats whenever something may have happened.
    pulse: watch::Sender<()>,
    /// Watches of an earlier round have ended.
    round: AtomicU64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.lock());
        self.pulse.send_replace(());
        result
    }

    fn round(&self) -> u64 {
        self.round.load(Ordering::SeqCst)
    }
}

impl Emulator {
    /// A cluster without an object, on that clock. It becomes the clock's watcher.
    ///
    /// # Panics
    /// Where the machine has no port left.
    pub async fn start(clock: &TestClock) -> Self {
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(clock.now(), "token-1")),
            pulse: watch::Sender::new(()),
            round: AtomicU64::new(0),
        });
        let (address, server) = server::start(shared.clone()).await.expect("a port is free");
        let weak = Arc::downgrade(&shared);
        clock.watch(Arc::new(move |now| {
            if let Some(shared) = weak.upgrade() {
                shared.change(|world| world.pass(now));
            }
        }));
        Self {
            shared,
            address,
            server,
        }
    }

    /// A kubeconfig with the login that is accepted now. Its namespace is `goimg`.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {{server: \"http://{}\"}}\n\
             users:\n- name: test\n  user: {{token: {}}}\ncontexts:\n- name: test\n  context: {{cluster: test, user: test, namespace: goimg}}\n",
            self.address,
            self.shared.lock().token
        )
    }

    /// Does something as somebody else, past the network and its faults: the status code and the answer.
    ///
    /// # Panics
    /// Where the address is not served.
    pub fn act(&self, manager: &str, method: &str, target: &str, content: &str, body: &Value) -> (u16, Value) {
        let header = |name: &str| match name {
            "user-agent" => manager.to_owned(),
            "content-type" => content.to_owned(),
            _ => String::new(),
        };
        let request = Request::read(method, target, &header, body.to_string().as_bytes());
        let request = request.expect("the address is served");
        let answer = match method {
            // A look is not a change, and wakes nobody.
            "GET" => self.shared.lock().answer(&request),
            _ => self.shared.change(|world| world.answer(&request)),
        };
        let answer = answer.unwrap_or_else(|refusal| *refusal);
        (answer.code, answer.body)
    }

    /// Waits for a change after which that is so.
    pub async fn until(&self, met: impl Fn() -> bool) {
        let mut pulse = self.shared.pulse.subscribe();
        while !met() && pulse.changed().await.is_ok() {}
    }

    /// Makes the next `times` requests of that method, with that text in their address, go wrong.
    pub fn fail(&self, method: &str, part: &str, mishap: Mishap, times: u32) {
        let fault = Fault::new(method, part, mishap, times);
        self.shared.lock().faults.push(fault);
    }

    /// Ends every watch, as a server does after some minutes.
    pub fn end_watches(&self) {
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        self.shared.pulse.send_replace(());
    }

    /// Forgets what happened, so that watches from an old version are refused.
    pub fn forget_history(&self) {
        self.shared.lock().objects.forget();
    }

    /// Another login is accepted from now on, and the old one is not.
    pub fn expire_token(&self) {
        let mut world = self.shared.lock();
        world.token.push('x');
    }

    /// Takes a right away from the login.
    pub fn deny(&self, verb: &str, resource: &str) {
        self.shared.lock().denied.insert((verb.to_owned(), resource.to_owned()));
    }

    /// What was asked over the network since the last time, in order.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().requests)
    }

    /// How the Pods of the workload of that name behave from now on.
    pub fn script(&self, name: &str, behaviour: Behaviour) {
        self.shared.lock().controllers.script(name, behaviour);
    }

    /// When something happens next by itself.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.shared.lock().next_due()
    }

    /// What a Pod has printed.
    pub fn print(&self, namespace: &str, pod: &str, text: &str) {
        let pod = (namespace.to_owned(), pod.to_owned());
        self.shared.lock().logs.insert(pod, text.to_owned());
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
