//! Deployments, StatefulSets and DaemonSets, which read a Secret when their containers start.

mod check;
mod look;
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
use serde_json::Value;

use crate::api::Call;
use crate::cluster::{Cluster, Clusters};
use crate::config::RolloutConfig;
use crate::error::{Failure, invalid};
use crate::marker::Marker;

use look::Mirror;
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
    parallel: usize,
    mirror: tokio::sync::Mutex<Option<Mirror>>,
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
            parallel: config.parallel.get(),
            mirror: tokio::sync::Mutex::default(),
        })
    }

    async fn namespace(&self) -> Result<String, PortError> {
        let namespace = self.cluster.namespace(self.namespace.as_deref()).await;
        namespace.map_err(|failure| failure.looking(&format!("reach the cluster of {}", self.name)))
    }

    /// What to roll out: the mark of the Secret, which has to show that view.
    async fn wanted(&self, namespace: &str, credential: &CredentialName, view: &View) -> Result<Wanted, PortError> {
        let (metadata, marker) = self.secret(namespace, &self.secret_name).await?;
        let shown = |marker: &Marker| marker.credential == *credential && marker.view() == *view;
        let Some(marker) = marker.filter(shown) else {
            return Err(self.shows_something_else(&format!("{view} of {credential}")));
        };
        let metadata = match &marker.secret {
            Some(secret) => self.secret(namespace, secret).await?.0,
            None => metadata,
        };
        let mark = Mark::of(view.revision, &metadata);
        let mark = mark.ok_or_else(|| Failure::Garbled("a Secret's metadata").looking("read the Secret"))?;
        Ok(Wanted {
            annotation: mark::annotation(credential),
            mark,
            secret: marker.secret,
        })
    }

    /// A Secret's metadata, and what it shows.
    async fn secret(&self, namespace: &str, name: &str) -> Result<(Value, Option<Marker>), PortError> {
        let secret = format!("the Secret {namespace}/{name}");
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        let object = self.cluster.call(&Call::get(path).metadata_only()).await;
        let mut object = object.map_err(|failure| failure.looking(&format!("read {secret}")))?;
        let metadata = object["metadata"].take();
        let marker = Marker::read(&metadata, &secret)?;
        Ok((metadata, marker))
    }

    fn shows_something_else(&self, wanted: &str) -> PortError {
        let message = format!(
            "{}: the Secret {} does not show {wanted}; correct `secret_name`, or find out who else writes it",
            self.name, self.secret_name
        );
        PortError::permanent(ErrorKind::Conflict, message)
    }
}

/// What a roll-out puts into every template.
#[derive(Debug)]
struct Wanted {
    annotation: String,
    mark: Mark,
    /// The Secret that every template has to name, where each delivery has its own.
    secret: Option<String>,
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
        let wanted = self.wanted(&namespace, credential, view).await?;
        let restarted = self.restart(&namespace, &wanted).await?;
        tracing::info!(workload = self.name, %rotation, %credential, %view, "rolled out");
        let detail = format!("{view} as {} in {}", wanted.mark, restarted.join(", "));
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
