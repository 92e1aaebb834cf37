//! How a server in a container is reached at 127.0.0.1.

use std::collections::HashMap;

use testcontainers::bollard::models::{HostConfig, PortBinding};

/// Whose network the containers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// This machine's.
    Host,
    /// Their own, with ports that are published on 127.0.0.1.
    Bridge,
}

impl Network {
    /// The one that is used here.
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever starts the tests knows where the engine runs"
    )]
    pub(super) fn here() -> Self {
        let asked = std::env::var_os("KEYWHEEL_TEST_NETWORK");
        if !cfg!(target_os = "linux") || asked.is_some_and(|network| network == "bridge") {
            return Self::Bridge;
        }
        Self::Host
    }

    /// Where servers listen, inside of it.
    pub(super) fn listen(self) -> &'static str {
        match self {
            Self::Host => "127.0.0.1",
            Self::Bridge => "0.0.0.0",
        }
    }

    /// Makes a container reachable at the port, by nobody outside of this machine.
    pub(super) fn connect(self, container: &mut HostConfig, port: u16) {
        container.publish_all_ports = Some(false);
        match self {
            Self::Host => container.network_mode = Some(String::from("host")),
            Self::Bridge => {
                let binding = PortBinding {
                    host_ip: Some(String::from("127.0.0.1")),
                    host_port: Some(port.to_string()),
                };
                container.port_bindings = Some(HashMap::from([(format!("{port}/tcp"), Some(vec![binding]))]));
            }
        }
    }

    /// Panics unless servers reach one another by the addresses that clients use.
    pub(super) fn expect_shared(self, what: &str) {
        assert!(
            self == Self::Host,
            "{what} needs an engine that shares the network of this machine: unset KEYWHEEL_TEST_NETWORK on Linux"
        );
    }
}
