//! Deployments, StatefulSets and DaemonSets, which read a Secret when their containers start.

mod check;
mod mark;
mod pods;
mod references;
mod status;
mod target;
mod waves;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::{Clock, ErrorKind, Finding, PortError, Workload, WorkloadReport};
use keywheel_domain::view::View;

use crate::api::Call;
use crate::cluster::{Cluster, Clusters};
use crate::config::RolloutConfig;
use crate::error::{Failure, invalid};
use crate::marker::Marker;

use mark::Mark;
use target::Targets;

/// What runs in a cluster and reads one Secret.
#[derive(Debug)]
pub struct KubernetesWorkload {
    name: String,
    cluster: Arc<Cluster>,
    namespace: Option<String>,
    secret_name: String,
    targets: Targets,
    canaries: Vec<String>,
    parallel: usize,
}

impl KubernetesWorkload {
    /// Checks the configuration; touches no network.
    ///
    /// # Errors
    /// `Invalid` for a workload that is made of nothing.
    pub fn new(
        config: &RolloutConfig,
        base: &Path,
        clock: &Arc<dyn Clock>,
        clusters: &Clusters,
    ) -> Result<Self, PortError> {
        let targets = Targets::new(config);
        if targets.is_empty() {
            return Err(invalid(format!(
                "the workload {} is made of nothing; name its `deployments`, `stateful_sets` or `daemon_sets`, or give it a `selector`",
                config.name
            )));
        }
        Ok(Self {
            name: config.name.clone(),
            cluster: clusters.get(&config.cluster, base, clock),
            namespace: config.namespace.clone(),
            secret_name: config.secret_name.clone(),
            targets,
            canaries: config.canaries.clone(),
            parallel: config.parallel.get(),
        })
    }

    async fn namespace(&self) -> Result<String, PortError> {
        let namespace = self.cluster.namespace(self.namespace.as_deref()).await;
        namespace.map_err(|failure| failure.looking(&format!("reach the cluster of {}", self.name)))
    }

    /// The mark of the Secret, which has to show that view.
    async fn mark(&self, namespace: &str, credential: &CredentialName, view: &View) -> Result<Mark, PortError> {
        let secret = format!("Secret {namespace}/{}", self.secret_name);
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{}", self.secret_name);
        let object = self.cluster.call(&Call::get(path).metadata_only()).await;
        let object = object.map_err(|failure| failure.looking(&format!("read {secret}")))?;
        let metadata = &object["metadata"];
        let marker = Marker::read(metadata, &secret)?;
        match marker {
            Some(marker) if marker.credential == *credential && marker.view() == *view => {
                let mark = Mark::of(view.revision, metadata);
                mark.ok_or(Failure::Garbled("a Secret's metadata"))
                    .map_err(|failure| failure.looking(&format!("read {secret}")))
            }
            found => {
                let found = found.map_or_else(
                    || "nothing".to_owned(),
                    |marker| format!("{} of {}", marker.view(), marker.credential),
                );
                Err(PortError::permanent(
                    ErrorKind::Conflict,
                    format!(
                        "{secret} was to show {view} of {credential} and shows {found}; correct `secret_name`, or find out who else writes it"
                    ),
                ))
            }
        }
    }
}

#[async_trait]
impl Workload for KubernetesWorkload {
    fn name(&self) -> &str {
        &self.name
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        self.findings().await
    }

    /// Restarts them in waves, and waits for each wave but the last, so that never more than `parallel` restart at a time. A call
    /// that ended in the middle is gone on with by the next one. The first one that fails stops everything.
    async fn roll_out(
        &self,
        rotation: &RotationId,
        credential: &CredentialName,
        view: &View,
    ) -> Result<Evidence, PortError> {
        let namespace = self.namespace().await?;
        let mark = self.mark(&namespace, credential, view).await?;
        let restarted = self.restart(&namespace, &mark::annotation(credential), &mark).await?;
        tracing::info!(workload = self.name, %rotation, %credential, %view, "rolled out");
        let detail = format!("{view} as {mark} in {}", restarted.join(", "));
        Ok(Evidence::new(EvidenceKind::RolledOut, &self.name, detail))
    }

    /// By ownership and not by time: a Pod runs what its template says, and the template names the version of the Secret that was
    /// there before it.
    async fn report(&self, credential: &CredentialName) -> Result<WorkloadReport, PortError> {
        let namespace = self.namespace().await?;
        let instances = self.instances(&namespace, &mark::annotation(credential)).await?;
        Ok(WorkloadReport::Instances(instances))
    }
}
