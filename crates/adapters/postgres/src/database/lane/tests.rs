use std::error::Error;

use futures_util::FutureExt;
use keywheel_domain::ports::{Effect, Retry};

use super::*;
use crate::config::DatabaseConfig;

/// A change of nothing.
struct Nothing(&'static str);

#[async_trait]
impl Change for Nothing {
    type Answer = ();

    const DOING: &'static str = "do nothing";

    fn key(&self) -> &str {
        self.0
    }

    async fn make(changes: &[&Self], _: &mut PgConnection) -> Result<Vec<Result<(), JournalError>>, sqlx::Error> {
        Ok(changes.iter().map(|_| Ok(())).collect())
    }
}

/// Where nobody listens.
fn nowhere() -> Arc<Connector> {
    let mut config = DatabaseConfig::new("127.0.0.1", 1, "nowhere", "nobody");
    config.connect_timeout = SignedDuration::from_millis(100);
    Arc::new(Connector::new(&config, None).unwrap())
}

type Answered = oneshot::Receiver<Result<(), JournalError>>;

fn waiting(keys: &[&'static str]) -> (Worker<Nothing>, Vec<Answered>) {
    let (_, asked) = mpsc::channel(1);
    let (mut waiting, mut answers) = (VecDeque::new(), Vec::new());
    for key in keys {
        let (reply, answer) = oneshot::channel();
        let change = Nothing(key);
        waiting.push_back(Job { change, reply });
        answers.push(answer);
    }
    let worker = Worker {
        connector: nowhere(),
        asked,
        waiting,
        connection: None,
        has_rested: false,
    };
    (worker, answers)
}

fn next(worker: &mut Worker<Nothing>) -> Vec<&'static str> {
    worker.next_together().iter().map(|job| job.change.0).collect()
}

#[test]
fn changes_of_one_key_are_made_one_after_the_other() {
    let (mut worker, _answers) = waiting(&["a", "b", "a", "c", "a", "b"]);
    assert_eq!(next(&mut worker), ["a", "b", "c"]);
    assert_eq!(next(&mut worker), ["a", "b"]);
    assert_eq!(next(&mut worker), ["a"]);
    assert!(next(&mut worker).is_empty());
}

#[test]
fn a_change_whose_caller_has_gone_is_not_made() {
    let (mut worker, mut answers) = waiting(&["a", "b", "a"]);
    answers.remove(0);
    assert_eq!(next(&mut worker), ["b", "a"]);
}

#[test]
fn a_transaction_makes_no_more_than_its_share() {
    let keys: Vec<&'static str> = (0..TOGETHER + 3).map(|number| &*format!("{number}").leak()).collect();
    let (mut worker, _answers) = waiting(&keys);
    assert_eq!(next(&mut worker), keys[..TOGETHER]);
    assert_eq!(next(&mut worker), keys[TOGETHER..]);
}

#[tokio::test]
async fn a_server_that_nobody_reaches_leaves_nothing_unknown() {
    let lane = Lane::start(nowhere());
    for made in futures_util::future::join_all([lane.make(Nothing("a")), lane.make(Nothing("b"))]).await {
        let error = PortError::from(made.unwrap_err());
        assert_eq!(
            (error.kind, error.retry, error.effect),
            (ErrorKind::Unavailable, Retry::Later, Effect::None)
        );
        assert!(error.message().contains("127.0.0.1:1/nowhere"), "{error}");
        assert!(error.source().is_some());
    }
}

#[tokio::test]
async fn a_lane_that_has_stopped_leaves_nothing_unknown() {
    let (jobs, asked) = mpsc::channel(1);
    drop(asked);
    let made = Lane::<Nothing> { jobs }.make(Nothing("a")).await;
    let error = PortError::from(made.unwrap_err());
    assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::None));
}

#[tokio::test]
async fn a_change_waits_for_the_lane_and_not_for_its_caller() {
    let lane = Lane::start(nowhere());
    assert!(lane.make(Nothing("a")).now_or_never().is_none());
}

#[test]
fn everybody_gets_the_whole_error() {
    let error = PortError::transient(ErrorKind::TimedOut, "no answer")
        .with_unknown_effect()
        .caused_by(PortError::permanent(ErrorKind::Internal, "inner").caused_by(std::io::Error::other("innermost")));
    let copied = copy(&error);
    assert_eq!(
        (copied.kind, copied.retry, copied.effect, copied.chain()),
        (error.kind, error.retry, error.effect, error.chain())
    );
    assert!(
        copy(&PortError::permanent(ErrorKind::Internal, "alone"))
            .source()
            .is_none()
    );
}
