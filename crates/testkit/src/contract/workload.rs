//! What every workload has to keep.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use keywheel_domain::evidence::EvidenceKind;
use keywheel_domain::id::{Revision, VersionNumber};
use keywheel_domain::ports::{Severity, Usage, Workload, WorkloadReport};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;

use crate::sample::{name, rotation_id, version_id};

/// Makes a workload that can be rolled out and is asked for the first time.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn Workload>> + Send + Sync);

/// Runs every check, each on a workload of its own.
///
/// # Panics
/// Where the workload breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    a_preflight_of_a_working_workload_blocks_nothing_and_changes_nothing(&*fresh().await).await;
    a_view_that_was_rolled_out_may_be_rolled_out_again(&*fresh().await).await;
    a_report_names_its_instances_or_says_why_it_cannot(&*fresh().await).await;
    a_version_that_nobody_has_heard_of_is_never_called_unused(&*fresh().await).await;
}

/// What this suite rolls out.
pub fn view() -> View {
    View::new(Revision(1), VersionNumber(1), [VersionNumber(1)])
}

async fn report(workload: &dyn Workload) -> WorkloadReport {
    workload.report(&name()).await.expect("asking succeeds")
}

/// What each instance runs, without how and when that came to be known.
async fn runs(workload: &dyn Workload) -> Vec<(String, Option<Revision>)> {
    match report(workload).await {
        WorkloadReport::Instances(found) => found.into_iter().map(|one| (one.name, one.revision)).collect(),
        WorkloadReport::Untold(_) => Vec::new(),
    }
}

/// Nobody runs anything else after it.
pub async fn a_preflight_of_a_working_workload_blocks_nothing_and_changes_nothing(workload: &dyn Workload) {
    let before = runs(workload).await;
    for _ in 0..2 {
        let findings = workload.preflight().await.expect("looking succeeds");
        assert!(
            findings.iter().all(|finding| finding.severity < Severity::Blocker),
            "{findings:?}"
        );
    }
    assert_eq!(runs(workload).await, before);
}

/// Doing it twice is doing it once, and the evidence names the workload.
pub async fn a_view_that_was_rolled_out_may_be_rolled_out_again(workload: &dyn Workload) {
    for _ in 0..2 {
        let evidence = workload
            .roll_out(&rotation_id(1), &name(), &view())
            .await
            .expect("rolling out succeeds");
        assert_eq!(evidence.kind, EvidenceKind::RolledOut);
        assert_eq!(evidence.subject, workload.name());
    }
}

/// Silence is not an answer.
pub async fn a_report_names_its_instances_or_says_why_it_cannot(workload: &dyn Workload) {
    match report(workload).await {
        WorkloadReport::Instances(instances) => {
            for instance in instances {
                assert!(!instance.name.is_empty() && !instance.detail.is_empty(), "{instance:?}");
            }
        }
        WorkloadReport::Untold(why) => assert!(!why.is_empty()),
    }
}

/// Disuse is a claim that needs evidence.
pub async fn a_version_that_nobody_has_heard_of_is_never_called_unused(workload: &dyn Workload) {
    let unheard = Attributes::from([("kid".to_owned(), "nobody-has-heard-of-it".to_owned())]);
    for attributes in [Attributes::new(), unheard] {
        let usage = workload.usage(&version_id(4711), &attributes).await;
        assert!(!matches!(usage, Ok(Usage::Unused(_))), "{usage:?}");
    }
}
