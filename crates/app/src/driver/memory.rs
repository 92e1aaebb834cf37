//! The material that this driver has seen: looked up once, and redacted from everything that is written down.

use std::sync::{Mutex, MutexGuard, PoisonError};

use keywheel_domain::evidence::Evidence;
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{Sample, Verdict, VersionMaterial};

use crate::redact::Redactor;

#[derive(Default)]
pub(super) struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    versions: Vec<VersionMaterial>,
    redactor: Redactor,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn(&self, version: VersionMaterial) {
        let mut inner = self.lock();
        inner.redactor.learn(&version.material, &version.attributes);
        inner.versions.push(version);
    }

    pub(super) fn get(&self, id: &VersionId) -> Option<VersionMaterial> {
        self.lock().versions.iter().find(|version| version.id == *id).cloned()
    }

    pub(super) fn text(&self, text: &str) -> String {
        self.lock().redactor.text(text)
    }

    pub(super) fn evidence(&self, evidence: Vec<Evidence>) -> Vec<Evidence> {
        self.lock().redactor.evidence(evidence)
    }

    pub(super) fn sample(&self, sample: Sample) -> Sample {
        let verdict = match sample.verdict {
            Verdict::Healthy => Verdict::Healthy,
            Verdict::Unhealthy(why) => Verdict::Unhealthy(self.text(&why)),
            Verdict::Unknown(why) => Verdict::Unknown(self.text(&why)),
        };
        Sample {
            verdict,
            evidence: self.evidence(sample.evidence),
        }
    }
}
