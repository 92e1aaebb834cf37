//! Restarting, a few at a time.

use futures_util::future::select_all;
use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::references::{self, escaped};
use super::status::Progress;
use super::target::{Kind, Listed, Target};
use super::{KubernetesWorkload, Wanted};
use crate::api::{Call, Patch};
use crate::error::Failure;
use crate::watch::{Event, Watch};

/// As `kubectl rollout restart` writes it.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// After a watch that could not be begun.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// A roll-out that is under way.
struct Waves<'a> {
    workload: &'a KubernetesWorkload,
    namespace: &'a str,
    wanted: &'a Wanted,
    /// Canaries first.
    targets: Vec<Target>,
    listed: Vec<Listed>,
    watches: Vec<(Kind, Watch)>,
}

impl KubernetesWorkload {
    /// Puts the mark into every template; the names of what has it.
    pub(super) async fn restart(&self, namespace: &str, wanted: &Wanted) -> Result<Vec<String>, PortError> {
        let mut waves = Waves {
            workload: self,
            namespace,
            wanted,
            targets: Vec::new(),
            listed: Vec::new(),
            watches: Vec::new(),
        };
        waves.list().await?;
        loop {
            waves.refuse()?;
            while let Some(next) = waves.next() {
                waves.restart(next).await?;
            }
            if waves.targets.iter().all(|target| waves.is_marked(target)) {
                return Ok(waves.targets.iter().map(Target::shown).collect());
            }
            waves.wait().await?;
        }
    }
}

impl Waves<'_> {
    fn is_marked(&self, target: &Target) -> bool {
        target.mark(&self.wanted.annotation) == Some(self.wanted.mark.to_string().as_str())
    }

    fn is_done(&self, target: &Target) -> bool {
        self.is_marked(target) && target.progress() == Progress::Done
    }

    async fn list(&mut self) -> Result<(), PortError> {
        let workload = self.workload;
        let listed = workload.targets.list(&workload.cluster, self.namespace).await;
        let (mut targets, listed) = listed.map_err(|failure| failure.looking(&format!("list {}", workload.name)))?;
        workload.targets.complete(&workload.name, &targets)?;
        targets.sort_by_key(|target| !workload.targets.is_canary(target));
        (self.targets, self.listed, self.watches) = (targets, listed, Vec::new());
        Ok(())
    }

    /// The first failure ends everything, and a paused Deployment would never begin.
    fn refuse(&self) -> Result<(), PortError> {
        for target in &self.targets {
            let marked = self.is_marked(target);
            if let (true, Progress::Failed(why)) = (marked, target.progress()) {
                let message = format!("{} does not start with {}: {why}", target.shown(), self.wanted.mark);
                return Err(PortError::permanent(ErrorKind::Refused, message).with_unknown_effect());
            }
            if !marked && target.is_paused() {
                let message = format!("{} is paused; resume it with `kubectl rollout resume`", target.shown());
                return Err(PortError::permanent(ErrorKind::Invalid, message).with_unknown_effect());
            }
        }
        Ok(())
    }

    /// The next one that may restart now.
    fn next(&self) -> Option<usize> {
        let under_way = self
            .targets
            .iter()
            .filter(|target| self.is_marked(target) && !self.is_done(target))
            .count();
        let canaries_open = self
            .targets
            .iter()
            .any(|target| self.workload.targets.is_canary(target) && !self.is_done(target));
        let limit = if canaries_open { 1 } else { self.workload.parallel };
        if under_way >= limit {
            return None;
        }
        let next = self.targets.iter().position(|target| !self.is_marked(target))?;
        let waits = canaries_open && !self.workload.targets.is_canary(&self.targets[next]);
        (!waits).then_some(next)
    }

    /// One patch: the time for people, and the mark for proof.
    async fn restart(&mut self, next: usize) -> Result<(), PortError> {
        let now = self
            .workload
            .cluster
            .clock
            .now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let target = &mut self.targets[next];
        let (patch, body) = change(target, self.wanted, &self.workload.secret_name, &now);
        let path = format!(
            "/apis/apps/v1/namespaces/{}/{}/{}?fieldManager=keywheel",
            self.namespace,
            target.kind.resource(),
            target.name()
        );
        let call = Call::patch(path, patch, Zeroizing::new(body.to_string().into_bytes()));
        let patched = self.workload.cluster.call(&call).await;
        let doing = format!("restart {}", target.shown());
        target.object = patched.map_err(|failure| {
            let error = match failure {
                // A name that was to be replaced is not where it was.
                failure if failure.is(422) && patch == Patch::Json => {
                    let message = format!("cannot {doing}: somebody else changed it meanwhile");
                    PortError::transient(ErrorKind::Conflict, message)
                }
                failure => failure.changing(&doing),
            };
            // Others were restarted before it.
            error.with_unknown_effect()
        })?;
        Ok(())
    }

    /// Until something happens to one of them.
    async fn wait(&mut self) -> Result<(), PortError> {
        if self.watches.is_empty() && self.watch().await.is_err() {
            self.workload.cluster.clock.sleep(PAUSE).await;
            return self.list().await;
        }
        let events = self.watches.iter_mut().map(|(kind, watch)| {
            let kind = *kind;
            Box::pin(async move { (kind, watch.next().await) })
        });
        let ((kind, event), _, _) = select_all(events).await;
        match event {
            Some(Event::Is(object)) => {
                self.learn(kind, object);
                Ok(())
            }
            // Something was deleted, or the watch has ended.
            Some(Event::Gone(_)) | None => self.list().await,
        }
    }

    async fn watch(&mut self) -> Result<(), Failure> {
        for listed in &self.listed {
            let watch = Watch::start(&self.workload.cluster, &listed.path, &listed.version).await?;
            self.watches.push((listed.kind, watch));
        }
        Ok(())
    }

    /// Events may be older than the answer to a patch, which must not be forgotten for them.
    fn learn(&mut self, kind: Kind, object: Value) {
        let generation = |object: &Value| object["metadata"]["generation"].as_i64();
        let same =
            |target: &&mut Target| target.kind == kind && target.object["metadata"]["uid"] == object["metadata"]["uid"];
        if let Some(target) = self.targets.iter_mut().find(same)
            && generation(&object) >= generation(&target.object)
        {
            target.object = object;
        }
    }
}

/// What changes a template. Where each delivery has a Secret of its own, every place that names one is changed, and only if it still
/// names what it named.
fn change(target: &Target, wanted: &Wanted, secret: &str, now: &str) -> (Patch, Value) {
    let annotations = json!({RESTARTED_AT: now, wanted.annotation.as_str(): wanted.mark.to_string()});
    let Some(new) = &wanted.secret else {
        return (
            Patch::Merge,
            json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}),
        );
    };
    let template = &target.object["spec"]["template"];
    let mut steps = Vec::new();
    for (place, old) in references::of(template, secret) {
        let path = format!("/spec/template{place}");
        steps.push(json!({"op": "test", "path": path, "value": old}));
        steps.push(json!({"op": "replace", "path": path, "value": new}));
    }
    let place = "/spec/template/metadata/annotations";
    if template["metadata"]["annotations"].is_null() {
        steps.push(json!({"op": "add", "path": place, "value": annotations}));
    } else {
        for (key, value) in annotations.as_object().into_iter().flatten() {
            steps.push(json!({"op": "add", "path": format!("{place}/{}", escaped(key)), "value": value}));
        }
    }
    (Patch::Json, Value::Array(steps))
}
