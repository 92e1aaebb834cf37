//! The server whose sessions are purged.

use keywheel_domain::ports::PortError;
use keywheel_redis::{PurgeRequest, Purged, RedisConfig, purge_sessions};

use super::clock;
use super::secrets::secret_source;
use crate::config::{CredentialConfig, Guarded, IssuerConfig};

/// A Redis server, and how Keywheel logs in there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sessions<'a> {
    server: &'a Guarded<RedisConfig>,
}

impl<'a> Sessions<'a> {
    /// The server of a credential, where it is one of Redis.
    pub(crate) fn of(credential: &'a CredentialConfig) -> Option<Self> {
        match &credential.issuer {
            IssuerConfig::Redis(server) => Some(Self { server }),
            _ => None,
        }
    }

    /// Where it is, for people.
    pub(crate) fn place(self) -> String {
        let nodes = self.server.config.nodes.iter().map(ToString::to_string);
        nodes.collect::<Vec<_>>().join(", ")
    }

    /// Deletes or counts the keys, and tells how far it is.
    pub(crate) async fn purge(
        self,
        request: &PurgeRequest,
        progress: &mut (dyn FnMut(&Purged) + Send),
    ) -> Result<Purged, PortError> {
        let Guarded { config, password } = self.server;
        purge_sessions(config, secret_source(password.as_ref()), &clock(), request, progress).await
    }
}
