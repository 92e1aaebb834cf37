//! Rollouts that go well, and those that do not.

use keywheel_domain::ports::{Effect, ErrorKind, Retry, Severity, Workload};
use keywheel_testkit::kubernetes::{Behaviour, Mishap};
use serde_json::{Value, json};

use crate::scene::{API, APPS, first, instances, roll_out, running, runs, second, until_runs};
use crate::support::{Company, USUAL, deliver};

async fn deliver_second(company: &Company) {
    deliver(&company.store(USUAL), &second(), Some(&first())).await.unwrap();
}

#[tokio::test]
async fn every_pod_is_proven_by_its_template() {
    let (company, api) = running().await;
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    // Its controller has not seen the change, and its status still says that everything is done.
    until_runs(&api, &[Some(1), Some(1)]).await;
    company.pass(10);
    until_runs(&api, &[Some(2), Some(2)]).await;
    let template = &company.object("deployments", "api")["spec"]["template"]["metadata"]["annotations"];
    let secret = &company.secret()["metadata"];
    let (uid, version) = (
        secret["uid"].as_str().unwrap(),
        secret["resourceVersion"].as_str().unwrap(),
    );
    assert_eq!(template["keywheel.dev/company.database"], format!("r2 {uid}/{version}"));
    assert_eq!(template["kubectl.kubernetes.io/restartedAt"], "2026-01-01T00:00:12Z");
}

#[tokio::test]
async fn an_old_pod_that_is_still_ending_counts() {
    let (company, api) = running().await;
    company.emulator.script(
        "api",
        Behaviour {
            ends_after: 30,
            ..Behaviour::default()
        },
    );
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    company.pass(5);
    assert_eq!(
        company.object("deployments", "api")["status"]["replicas"],
        2,
        "the rollout is done"
    );
    until_runs(&api, &[Some(1), Some(1), Some(2), Some(2)]).await;
    assert!(
        instances(&api)
            .await
            .iter()
            .any(|(_, detail)| detail.ends_with("it is still ending"))
    );
    company.pass(30);
    until_runs(&api, &[Some(2), Some(2)]).await;
}

#[tokio::test]
async fn an_old_pod_counts_even_where_its_replica_set_is_gone() {
    let (company, api) = running().await;
    company.change("deployments", "api", &json!({"spec": {"revisionHistoryLimit": 0}}));
    company.emulator.script(
        "api",
        Behaviour {
            ends_after: 30,
            ..Behaviour::default()
        },
    );
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    company.pass(5);
    until_runs(&api, &[None, None, Some(2), Some(2)]).await;
}

#[tokio::test]
async fn a_roll_out_that_is_repeated_restarts_nothing() {
    let (company, api) = running().await;
    let before = company.object("deployments", "api");
    company.emulator.take_requests();
    roll_out(&api, &first()).await.unwrap();
    assert_eq!(company.object("deployments", "api"), before);
    let requests = company.emulator.take_requests();
    assert_eq!(requests.len(), 2, "the Secret and a list: {requests:?}");
}

/// Whatever had been started before that may have read something else.
#[tokio::test]
async fn a_secret_that_was_written_again_needs_another_restart() {
    let (company, api) = running().await;
    company.patch_secret(json!({"metadata": {"annotations": {"touched": "yes"}}}));
    roll_out(&api, &first()).await.unwrap();
    let (revision, detail) = instances(&api).await.remove(0);
    assert!(revision.is_none() && detail.contains("written again since"), "{detail}");
    company.pass(10);
    until_runs(&api, &[Some(1), Some(1)]).await;
}

#[tokio::test]
async fn a_secret_that_shows_something_else_is_not_rolled_out() {
    let (company, api) = running().await;
    let before = company.object("deployments", "api");
    let refused = roll_out(&api, &second()).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::Conflict, Effect::None),
        "{refused}"
    );
    assert_eq!(company.object("deployments", "api"), before);
}

#[tokio::test]
async fn pods_that_never_become_ready_leave_the_old_ones_and_say_why() {
    let (company, api) = running().await;
    company.emulator.script(
        "api",
        Behaviour {
            ready_after: None,
            ..Behaviour::default()
        },
    );
    company.change("deployments", "api", &json!({"spec": {"progressDeadlineSeconds": 8}}));
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    company.pass(20);
    let found = instances(&api).await;
    until_runs(&api, &[None, None, Some(1), Some(1)]).await;
    assert!(
        found.iter().any(|(_, detail)| detail.contains("ContainerCreating")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|(_, detail)| detail.contains("progressDeadlineSeconds")),
        "{found:?}"
    );
    let blocked = api.preflight().await.unwrap();
    assert!(
        blocked.iter().any(|finding| finding.detail.contains("has failed")),
        "{blocked:?}"
    );
    // The way back: the Secret first, and then a restart that brings Pods that work.
    company.emulator.script("api", Behaviour::default());
    let back = first().at(keywheel_domain::id::Revision(3));
    deliver(&company.store(USUAL), &back, Some(&second())).await.unwrap();
    roll_out(&api, &back).await.unwrap();
    company.pass(10);
    until_runs(&api, &[Some(3), Some(3)]).await;
}

#[tokio::test]
async fn a_paused_deployment_is_refused_before_anything_happens() {
    let (company, api) = running().await;
    company.change("deployments", "api", &json!({"spec": {"paused": true}}));
    company.pass(1);
    let found = api.preflight().await.unwrap();
    assert!(
        found
            .iter()
            .any(|one| one.severity == Severity::Blocker && one.detail.contains("paused")),
        "{found:?}"
    );
    deliver_second(&company).await;
    let refused = roll_out(&api, &second()).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry),
        (ErrorKind::Invalid, Retry::Never),
        "{refused}"
    );
}

#[tokio::test]
async fn what_is_scaled_to_nothing_runs_what_its_template_says() {
    let (company, api) = running().await;
    company.change("deployments", "api", &json!({"spec": {"replicas": 0}}));
    company.pass(10);
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    until_runs(&api, &[None]).await;
    company.pass(1);
    until_runs(&api, &[Some(2)]).await;
}

/// The annotation of an old template is an old mark, whatever the Secret holds by now.
#[tokio::test]
async fn an_undo_by_hand_is_seen_as_the_old_delivery() {
    let (company, api) = running().await;
    let old = company.object("deployments", "api")["spec"]["template"].clone();
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    company.pass(10);
    let undo = json!([{"op": "replace", "path": "/spec/template", "value": old}]);
    let target = format!("{APPS}/deployments/api");
    company
        .emulator
        .act("kubectl", "PATCH", &target, "application/json-patch+json", &undo);
    company.pass(10);
    until_runs(&api, &[Some(1), Some(1)]).await;
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let (company, _) = running().await;
    let workload = company.workload(&API.replace("['api']", "['api', 'worker']"));
    let missing = roll_out(&workload, &first()).await.unwrap_err();
    assert_eq!((missing.kind, missing.effect), (ErrorKind::NotFound, Effect::None));
    assert!(missing.message().contains("deployment/worker"), "{missing}");
    let canary = company.workload(&format!("{API}\ncanaries = ['aip']"));
    for workload in [workload, canary] {
        let found = workload.preflight().await.unwrap();
        assert!(found.iter().any(|one| one.severity == Severity::Blocker), "{found:?}");
    }
}

#[tokio::test]
async fn a_patch_whose_answer_is_lost_is_repeated_without_a_second_restart() {
    let (company, api) = running().await;
    deliver_second(&company).await;
    company.emulator.fail("PATCH", "/deployments/api", Mishap::CutAfter, 1);
    let lost = roll_out(&api, &second()).await.unwrap_err();
    assert_eq!(lost.effect, Effect::Unknown, "{lost}");
    let restarted = company.object("deployments", "api");
    company.pass(3);
    roll_out(&api, &second()).await.unwrap();
    assert_eq!(company.object("deployments", "api")["spec"], restarted["spec"]);
}

#[tokio::test]
async fn missing_rights_are_printed_as_a_role() {
    let (company, api) = running().await;
    for (verb, resource) in [("watch", "deployments"), ("list", "pods")] {
        company.emulator.deny(verb, resource);
    }
    let found = api.preflight().await.unwrap().remove(0);
    assert_eq!(found.severity, Severity::Blocker);
    assert!(
        found.detail.ends_with("list pods, watch deployments"),
        "{}",
        found.detail
    );
    assert!(
        found.fix.contains("resourceNames: [\"api\"]\n  verbs: [\"patch\"]"),
        "{}",
        found.fix
    );
    let refused = api.report(&keywheel_testkit::sample::name()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_look_at_one_deployment_is_three_requests_that_select() {
    let (company, api) = running().await;
    company.emulator.take_requests();
    assert_eq!(runs(&api).await.len(), 2);
    let requests = company.emulator.take_requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(
        requests.iter().all(|request| request.contains("Selector=")),
        "{requests:?}"
    );
}

#[tokio::test]
async fn converging_costs_a_constant_number_of_requests_however_often_one_looks() {
    let (company, api) = running().await;
    company.emulator.script("api", slow());
    deliver_second(&company).await;
    company.emulator.take_requests();
    roll_out(&api, &second()).await.unwrap();
    let old_and_new = [Some(1), Some(1), None, None];
    for _ in 0..50 {
        runs(&api).await;
    }
    company.pass(2);
    until_runs(&api, &sorted(&old_and_new)).await;
    company.pass(10);
    until_runs(&api, &[Some(1), Some(1), Some(2), Some(2)]).await;
    company.pass(30);
    until_runs(&api, &[Some(2), Some(2)]).await;
    let requests = company.emulator.take_requests();
    // The Secret, a list and a patch; a look of three lists and three watches; and the look that proves it.
    assert_eq!(requests.len(), 3 + 6 + 3, "{requests:#?}");
}

/// A look that is kept by watches never says by itself that everything has arrived.
#[tokio::test]
async fn watches_that_have_ended_or_died_are_not_believed() {
    let (company, api) = running().await;
    company.emulator.script("api", slow());
    deliver_second(&company).await;
    roll_out(&api, &second()).await.unwrap();
    until_runs(&api, &[Some(1), Some(1)]).await;
    company.emulator.end_watches();
    company.pass(2);
    until_runs(&api, &sorted(&[Some(1), Some(1), None, None])).await;
    company.emulator.take_requests();
    company.pass(61);
    assert_eq!(runs(&api).await, [Some(2), Some(2)]);
    assert_eq!(company.emulator.take_requests().len(), 3);
}

fn slow() -> Behaviour {
    Behaviour {
        ready_after: Some(10),
        ends_after: 30,
    }
}

fn sorted(runs: &[Option<u64>]) -> Vec<Option<u64>> {
    let mut runs = runs.to_vec();
    runs.sort_unstable();
    runs
}

#[tokio::test]
async fn sets_are_proven_by_their_pods() {
    let (company, _) = running().await;
    company.make("statefulsets", "queue", &json!({"replicas": 2}));
    company.make("daemonsets", "probe", &json!({}));
    company.pass(5);
    let workload = company.workload(
        "cluster.kubeconfig = 'kubeconfig'\nname = 'sets'\nsecret_name = 'db'\nstateful_sets = ['queue']\ndaemon_sets = ['probe']",
    );
    let found = workload.preflight().await.unwrap();
    assert!(found.iter().all(|one| one.severity == Severity::Fine), "{found:?}");
    roll_out(&workload, &first()).await.unwrap();
    until_runs(&workload, &[None; 4]).await;
    company.pass(3);
    assert!(runs(&workload).await.contains(&None), "one after the other");
    company.pass(20);
    until_runs(&workload, &[Some(1); 4]).await;
    company.change(
        "statefulsets",
        "queue",
        &json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}),
    );
    let found = workload.preflight().await.unwrap();
    assert!(found.iter().any(|one| one.detail.contains("OnDelete")), "{found:?}");
}

#[tokio::test]
async fn pods_that_have_ended_for_good_hold_nothing() {
    let (company, api) = running().await;
    let (_, list) = company
        .emulator
        .act("kubectl", "GET", "/api/v1/namespaces/goimg/pods", "", &Value::Null);
    let name = list["items"][0]["metadata"]["name"].as_str().unwrap();
    let target = format!("/api/v1/namespaces/goimg/pods/{name}/status");
    let evicted = json!({"status": {"phase": "Failed"}});
    company
        .emulator
        .act("kubelet", "PATCH", &target, "application/merge-patch+json", &evicted);
    until_runs(&api, &[Some(1)]).await;
}
