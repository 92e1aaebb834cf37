//! Many workloads, a few at a time.

use std::sync::Arc;

use keywheel_domain::ports::{Clock, ErrorKind, PortError, Workload};
use keywheel_testkit::kubernetes::Behaviour;
use keywheel_testkit::sample::{name, rotation_id};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::scene::{APPS, first, runs};
use crate::support::{Company, USUAL, company, deliver};

const ALL: &str = "cluster.kubeconfig = 'kubeconfig'\nname = 'all'\nsecret_name = 'db'\nselector = 'part-of=goimg'\n";

async fn company_of(count: usize) -> Company {
    let company = company().await;
    deliver(&company.store(USUAL), &first(), None).await.unwrap();
    for number in 0..count {
        company.make("deployments", &format!("app-{number:02}"), &json!({}));
    }
    company.pass(2);
    company
}

/// A roll-out in a task of its own.
fn begin(company: &Company, config: &str) -> JoinHandle<Result<(), PortError>> {
    let workload = Arc::new(company.workload(&format!("{ALL}{config}")));
    tokio::spawn(async move { workload.roll_out(&rotation_id(1), &name(), &first()).await.map(drop) })
}

/// How many were told to restart, and how many of them are not done.
fn under_way(company: &Company) -> (usize, usize) {
    let (_, list) = company
        .emulator
        .act("test", "GET", &format!("{APPS}/deployments"), "", &Value::Null);
    let marked = |object: &&Value| !object["spec"]["template"]["metadata"]["annotations"].is_null();
    let done = |object: &&Value| {
        let seen = object["metadata"]["generation"] == object["status"]["observedGeneration"];
        seen && object["status"]["conditions"][0]["reason"] == "NewReplicaSetAvailable"
    };
    let told: Vec<&Value> = list["items"].as_array().unwrap().iter().filter(marked).collect();
    (told.len(), told.iter().filter(|object| !done(object)).count())
}

/// Waits until so many were told to restart.
async fn until_told(company: &Company, count: usize) {
    company.emulator.until(|| under_way(company).0 >= count).await;
}

#[tokio::test]
async fn never_more_than_five_restart_at_once_and_none_waits_for_longer_than_it_must() {
    const COUNT: usize = 50;
    const READY: i64 = 7;
    let company = company_of(COUNT).await;
    for number in 0..COUNT {
        company.emulator.script(
            &format!("app-{number:02}"),
            Behaviour {
                ready_after: Some(READY),
                ends_after: 0,
            },
        );
    }
    company.emulator.take_requests();
    let (began, roll_out) = (company.clock.now(), begin(&company, "parallel = 5"));
    let mut told = 5;
    loop {
        until_told(&company, told).await;
        let (all, restarting) = under_way(&company);
        assert!(restarting <= 5 && all <= told, "{restarting} at once, {all} of {told}");
        if told == COUNT {
            break;
        }
        company.pass(READY);
        told += 5;
    }
    roll_out.await.unwrap().unwrap();
    company.pass(READY);
    let took = company.clock.now().duration_since(began).as_secs();
    let bound = READY * i64::try_from(COUNT / 5).unwrap();
    assert!(took * 10 <= bound * 12, "{took} s, and {bound} s are the bound");
    let requests = company.emulator.take_requests();
    // A patch for each; one look at the Secret, a list and a watch for each of the three kinds.
    assert_eq!(requests.len(), COUNT + 1 + 3 + 3, "{requests:?}");
    assert_eq!(runs(&company.workload(ALL)).await, [Some(1); COUNT]);
}

#[tokio::test]
async fn the_canary_restarts_first_and_alone_and_its_failure_stops_everything() {
    let company = company_of(4).await;
    company.change(
        "deployments",
        "app-02",
        &json!({"spec": {"progressDeadlineSeconds": 8}}),
    );
    company.pass(1);
    company.emulator.script(
        "app-02",
        Behaviour {
            ready_after: None,
            ends_after: 0,
        },
    );
    let roll_out = begin(&company, "canaries = ['app-02']");
    until_told(&company, 1).await;
    company.pass(1);
    assert!(!company.object("deployments", "app-02")["spec"]["template"]["metadata"]["annotations"].is_null());
    company.pass(10);
    let failed = roll_out.await.unwrap().unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Refused, "{failed}");
    assert!(failed.message().contains("deployment/app-02"), "{failed}");
    assert_eq!(under_way(&company).0, 1);
}

#[tokio::test]
async fn a_watch_that_ends_or_is_too_old_is_begun_anew() {
    let company = company_of(3).await;
    let roll_out = begin(&company, "parallel = 1");
    until_told(&company, 1).await;
    company.emulator.end_watches();
    company.pass(3);
    until_told(&company, 2).await;
    company.emulator.forget_history();
    company.emulator.end_watches();
    company.pass(3);
    until_told(&company, 3).await;
    roll_out.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_was_dropped_in_the_middle_is_gone_on_with() {
    let company = company_of(3).await;
    let roll_out = begin(&company, "parallel = 1");
    until_told(&company, 1).await;
    roll_out.abort();
    let first = company.object("deployments", "app-00");
    let again = begin(&company, "parallel = 1");
    company.pass(3);
    until_told(&company, 2).await;
    company.pass(3);
    until_told(&company, 3).await;
    again.await.unwrap().unwrap();
    assert_eq!(company.object("deployments", "app-00")["spec"], first["spec"]);
}
