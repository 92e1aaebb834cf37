//! What is there, as one look saw it, and as watches have kept it since.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use jiff::SignedDuration;
use keywheel_domain::ports::{Instance, PortError};
use serde_json::Value;

use super::KubernetesWorkload;
use super::target::{Kind, Listed, Target};
use crate::api::{Call, encoded};
use crate::error::Failure;
use crate::watch::{Event, Watch};

/// A watch may have died without a word, so what it keeps is believed for no longer than this.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);

/// Templates, ReplicaSets and Pods.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) targets: Vec<Target>,
    /// ReplicaSets by their uids.
    pub(super) sets: BTreeMap<String, Value>,
    /// Pods by theirs.
    pub(super) pods: BTreeMap<String, Value>,
}

/// A look that watches keep up to date, for as long as something is still to come.
#[derive(Debug)]
pub(super) struct Mirror {
    look: Look,
    feeds: Vec<(Feed, Watch)>,
    /// On the clock that only goes forward.
    since: SignedDuration,
}

/// What a watch tells of.
#[derive(Debug, Clone, Copy)]
enum Feed {
    Targets(Kind),
    Sets,
    Pods,
}

/// A list of which a watch can be begun.
type Source = (Feed, String, String);

impl KubernetesWorkload {
    /// While a rollout is on its way, from what watches tell. That everything has arrived is never said without a look of its own.
    pub(super) async fn instances(&self, namespace: &str, annotation: &str) -> Result<Vec<Instance>, PortError> {
        let mut kept = self.mirror.lock().await;
        let now = self.cluster.clock.monotonic();
        if let Some(mut mirror) = kept.take()
            && now - mirror.since < BELIEVED
            && mirror.catch_up()
            && !mirror.look.is_settled(annotation)
        {
            let instances = mirror.look.instances(annotation);
            *kept = Some(mirror);
            return Ok(instances);
        }
        let look = self.look(namespace).await;
        let (look, sources) = look.map_err(|failure| failure.looking(&format!("look at {}", self.name)))?;
        self.targets.complete(&self.name, &look.targets)?;
        let instances = look.instances(annotation);
        if !look.is_settled(annotation) {
            *kept = self.follow(look, sources, now).await;
        }
        Ok(instances)
    }

    /// Lists the templates first and the Pods last: a Pod that is not in the answer was not there after the change.
    async fn look(&self, namespace: &str) -> Result<(Look, Vec<Source>), Failure> {
        let (targets, listed) = self.targets.list(&self.cluster, namespace).await?;
        let source = |listed: Listed| (Feed::Targets(listed.kind), listed.path, listed.version);
        let mut sources: Vec<Source> = listed.into_iter().map(source).collect();
        let selector = only_selector(&targets);
        let mut sets = BTreeMap::new();
        if targets.iter().any(|target| target.kind == Kind::Deployment) {
            let path = format!("/apis/apps/v1/namespaces/{namespace}/replicasets{selector}");
            sets = self.all(Feed::Sets, path, &mut sources).await?;
        }
        let path = format!("/api/v1/namespaces/{namespace}/pods{selector}");
        let pods = self.all(Feed::Pods, path, &mut sources).await?;
        Ok((Look { targets, sets, pods }, sources))
    }

    async fn all(
        &self,
        feed: Feed,
        path: String,
        sources: &mut Vec<Source>,
    ) -> Result<BTreeMap<String, Value>, Failure> {
        let mut list = self.cluster.call(&Call::get(path.clone())).await?;
        let version = list["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        sources.push((feed, path, version));
        let items = list["items"].as_array_mut().ok_or(Failure::Garbled("a list"))?;
        Ok(items.drain(..).map(|object| (uid(&object), object)).collect())
    }

    /// Without a watch the next look is a list again.
    async fn follow(&self, look: Look, sources: Vec<Source>, since: SignedDuration) -> Option<Mirror> {
        let mut feeds = Vec::new();
        for (feed, path, version) in sources {
            let watch = Watch::start(&self.cluster, &path, &version).await.ok()?;
            feeds.push((feed, watch));
        }
        Some(Mirror { look, feeds, since })
    }
}

impl Mirror {
    /// Takes in what has been told meanwhile, and waits for nothing. `false` where it cannot be gone on with.
    fn catch_up(&mut self) -> bool {
        let Self { look, feeds, .. } = self;
        for (feed, watch) in feeds {
            while let Some(told) = watch.next().now_or_never() {
                if !told.is_some_and(|event| look.learn(*feed, event)) {
                    return false;
                }
            }
        }
        true
    }
}

impl Look {
    /// `false` where the objects that it is about have changed themselves: one came or went.
    fn learn(&mut self, feed: Feed, event: Event) -> bool {
        let objects = match feed {
            Feed::Sets => &mut self.sets,
            Feed::Pods => &mut self.pods,
            Feed::Targets(kind) => return self.learn_target(kind, event),
        };
        match event {
            Event::Is(object) => objects.insert(uid(&object), object),
            Event::Gone(object) => objects.remove(&uid(&object)),
        };
        true
    }

    fn learn_target(&mut self, kind: Kind, event: Event) -> bool {
        let (object, gone) = match event {
            Event::Is(object) => (object, false),
            Event::Gone(object) => (object, true),
        };
        let same = |target: &&mut Target| {
            target.kind == kind && target.object["metadata"]["name"] == object["metadata"]["name"]
        };
        match self.targets.iter_mut().find(same) {
            Some(_) if gone => false,
            Some(target) => {
                target.object = object;
                true
            }
            // Another workload's, or a new one, which the next list shows.
            None => true,
        }
    }
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

/// Narrows a list down where there is only one object to look at, and its selector is a simple one.
fn only_selector(targets: &[Target]) -> String {
    let [only] = targets else { return String::new() };
    let selector = &only.object["spec"]["selector"];
    let labels = selector["matchLabels"].as_object();
    let pairs = labels.into_iter().flatten();
    let pairs = pairs.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    match pairs.collect::<Vec<_>>().join(",") {
        none if none.is_empty() => none,
        pairs => format!("?labelSelector={}", encoded(&pairs)),
    }
}
