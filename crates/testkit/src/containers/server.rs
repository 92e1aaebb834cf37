//! What all servers in containers have in common.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use testcontainers::bollard::models::{HostConfig, Mount, MountType};
use testcontainers::core::ContainerPort;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::engine;
use super::execute::{self, Executed};
use super::network::Network;
use super::port::Port;
use super::probe::Protocol;

/// The label by which `cargo xtask test` finds what a killed process left: it says which process that was.
const OWNER: &str = "org.keywheel.test-process";
/// The version of the images: those of another one are made differently.
const VERSION: &str = include_str!("../../images/version");
/// The engine takes fractions of a second; a machine that runs many tests may take its time.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// How to start a server.
#[derive(Debug)]
pub(super) struct Plan {
    /// The name of its image.
    pub(super) image: &'static str,
    /// What it speaks.
    pub(super) protocol: Protocol,
    /// What its start script is told.
    pub(super) arguments: Vec<String>,
    /// And by environment.
    pub(super) environment: Vec<(&'static str, String)>,
    /// A disk besides the container's own.
    pub(super) disk: Option<Disk>,
}

/// A disk of a server's own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Disk {
    /// Memory, so many MiB of it; empty again whenever the server was stopped.
    Memory(u32),
    /// A volume of the engine: many files are written to it faster than to the container itself.
    Volume,
}

impl Disk {
    /// Where it is mounted. The folder of a volume is in the image, for its owner; memory is anybody's where there is no folder.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Memory(_) => "/memory",
            Self::Volume => "/disk",
        }
    }

    fn mount(self, container: &mut HostConfig) {
        match self {
            Self::Memory(megabytes) => {
                let options = format!("size={megabytes}m,mode=1777");
                container.tmpfs = Some([(self.folder().to_owned(), options)].into());
            }
            Self::Volume => {
                let volume = Mount {
                    target: Some(self.folder().to_owned()),
                    typ: Some(MountType::VOLUME),
                    ..Mount::default()
                };
                container.mounts = Some(vec![volume]);
            }
        }
    }
}

/// A server in a container: it vanishes when it is dropped, and keeps its port until then.
#[derive(Debug)]
pub struct Server {
    // Fields are dropped in this order: the port is given back when the server has gone.
    container: ContainerAsync<GenericImage>,
    port: Port,
    protocol: Protocol,
}

impl Server {
    /// Starts what is planned for the port that it gets, and waits until it serves clients.
    pub(super) async fn start(plan: impl Fn(u16) -> Plan) -> Self {
        // Somebody who asks nobody may take the port between our look and the server's.
        const ATTEMPTS: usize = 3;
        let mut why = String::new();
        for _ in 0..ATTEMPTS {
            let port = Port::take();
            let plan = plan(port.number());
            let container = create(&plan, port.number()).await;
            let server = Self {
                container,
                port,
                protocol: plan.protocol,
            };
            match server.ready().await {
                Ok(()) => return server,
                Err(reason) => why = reason,
            }
        }
        panic!("{why}");
    }

    /// Where it listens.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// On which port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Stops it as an operator would: it has time to close its files.
    pub async fn stop(&self) {
        self.container
            .stop_with_timeout(Some(10))
            .await
            .expect("the engine stops it");
    }

    /// Kills it: it has no time for anything.
    pub async fn kill(&self) {
        self.container
            .stop_with_timeout(Some(0))
            .await
            .expect("the engine kills it");
    }

    /// Starts it after it was stopped or killed, with what it had on its disk, and waits until it serves clients.
    pub async fn start_again(&self) {
        self.container.start().await.expect("the engine starts it");
        if let Err(why) = self.ready().await {
            panic!("{why}");
        }
    }

    /// Stops it and starts it again.
    pub async fn restart(&self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Freezes it: connections stay open, and nothing answers.
    pub async fn pause(&self) {
        self.container.pause().await.expect("the engine freezes it");
    }

    /// Lets it go on.
    pub async fn unpause(&self) {
        self.container.unpause().await.expect("the engine lets it go on");
    }

    /// Runs a program inside of the container and returns what it said; panics if it fails.
    pub async fn execute(&self, program: &[&str]) -> String {
        let Executed { code, output, errors } = self.try_execute(program).await;
        assert!(code == 0, "{program:?} ended with {code}: {output}{errors}");
        output
    }

    /// Runs a program inside of the container to its end, however that is.
    pub async fn try_execute(&self, program: &[&str]) -> Executed {
        let ended = execute::execute(self.container.id(), program).await;
        ended.expect("the engine runs a program")
    }

    /// What it logged until now.
    pub async fn log(&self) -> String {
        let output = self.container.stdout_to_vec().await.unwrap_or_default();
        let errors = self.container.stderr_to_vec().await.unwrap_or_default();
        String::from_utf8_lossy(&[output, errors].concat()).into_owned()
    }

    /// Waits until it serves clients; an error with its log if it ended instead.
    #[expect(clippy::disallowed_methods, reason = "real servers are waited for in real time")]
    async fn ready(&self) -> Result<(), String> {
        let start = tokio::time::Instant::now();
        let mut asked = 0_u32;
        while start.elapsed() < PATIENCE {
            if self.protocol.is_served(self.port()).await {
                return Ok(());
            }
            asked += 1;
            // Less often: the engine is busy when many start at once.
            if asked.is_multiple_of(16) && !self.container.is_running().await.unwrap_or(false) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("the server is not ready. Its log:\n{}", self.log().await))
    }
}

async fn create(plan: &Plan, port: u16) -> ContainerAsync<GenericImage> {
    let network = Network::here();
    let disk = plan.disk;
    let image = format!("keywheel-test-{}", plan.image);
    // Random, because a container of an earlier process of the same number may still be there.
    let name = format!("{image}-{port}-{:016x}", RandomState::new().hash_one(port));
    let (variables, arguments) = (plan.environment.iter(), plan.arguments.iter());
    let mut request = GenericImage::new(image.as_str(), VERSION.trim())
        .with_exposed_port(ContainerPort::Tcp(port))
        .with_container_name(&name)
        .with_label(OWNER, std::process::id().to_string())
        .with_cmd(arguments.cloned())
        .with_startup_timeout(PATIENCE)
        .with_host_config_modifier(move |container| {
            network.connect(container, port);
            if let Some(disk) = disk {
                disk.mount(container);
            }
        });
    for (variable, value) in variables {
        request = request.with_env_var(*variable, value);
    }
    engine::start(request, &name, &format!("{image}:{}", VERSION.trim())).await
}
