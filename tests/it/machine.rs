//! The machine, over every plan that there can be.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::Sequence;
use keywheel_domain::plan::{Plan, PlanRequest};
use keywheel_domain::ports::{Effect, ErrorKind, Retry};
use keywheel_domain::rotation::{
    Entry, Event, Failure, Next, Observed, Opened, Outcome, Phase, Position, Rotation, decode, encode,
};
use keywheel_testkit::rig::START;
use keywheel_testkit::strategies::{OwnedRequest, requests};
use proptest::prelude::*;

fn opened(request: &OwnedRequest) -> Option<Entry> {
    let plan = Plan::new(&PlanRequest {
        shape: request.shape,
        policy: &request.policy,
        trigger: &request.trigger,
        view: request.view.clone(),
        new: request.new,
    });
    let opened = Opened {
        rotation: "r-1".parse().expect("it is a plain word"),
        credential: "company/credential".parse().expect("it is a plain word"),
        trigger: request.trigger.clone(),
        requested_by: "ada".to_owned(),
        plan: plan.ok()?,
    };
    Some(Entry {
        sequence: Sequence(1),
        at: START,
        event: Event::Opened(Box::new(opened)),
    })
}

/// A journal as it grows, one second after the other.
struct Journal {
    rotation: Rotation,
    entries: Vec<Entry>,
}

impl Journal {
    fn append(&mut self, event: Event) -> bool {
        let entry = Entry {
            sequence: self.rotation.sequence().next(),
            at: self.rotation.last_at() + SignedDuration::from_secs(1),
            event,
        };
        let Ok(next) = self.rotation.clone().apply(&entry) else {
            return false;
        };
        self.rotation = next;
        self.entries.push(entry);
        true
    }

    /// One step further on the way that everything goes well, whatever happened before.
    fn go_on(&mut self) {
        let step = self.rotation.position();
        let done = Event::Done {
            step,
            evidence: Vec::new(),
            attributes: Default::default(),
        };
        let by = "grace".to_owned();
        let went_on = match self.rotation.next(Timestamp::MAX) {
            Next::Act { attempt, .. } => {
                let existed_before = None;
                self.append(Event::Intended {
                    step,
                    attempt,
                    existed_before,
                }) && self.append(done)
            }
            Next::Look { .. } => self.append(done),
            Next::Ask(_) => self.append(Event::Approved { by }),
            Next::Rest(Outcome::Stuck) => self.append(Event::Resumed { by }),
            other => panic!("{other:?}"),
        };
        assert!(went_on, "{:?}", self.rotation.phase());
    }

    fn rests(&self) -> bool {
        matches!(self.rotation.phase(), Phase::Resting(_))
    }

    fn run_to_rest(mut self) -> Outcome {
        for _ in 0..200 {
            if let Phase::Resting(outcome) = self.rotation.phase() {
                return *outcome;
            }
            self.go_on();
        }
        panic!("it never rests: {:?}", self.rotation.position());
    }
}

/// Any event at all, mostly about the step under the cursor.
fn events() -> impl Strategy<Value = (bool, usize, u32, u8)> {
    (any::<bool>(), 0..3usize, 1..4u32, 0..12u8)
}

fn event(rotation: &Rotation, (elsewhere, ahead, attempt, kind): (bool, usize, u32, u8)) -> Event {
    let here = rotation.position();
    let step = if elsewhere && ahead > 0 {
        Position {
            unwinding: ahead == 2,
            index: here.index + ahead - 1,
        }
    } else {
        here
    };
    let failure = Failure {
        kind: ErrorKind::Unavailable,
        retry: Retry::Later,
        effect: Effect::Unknown,
        message: "no answer".to_owned(),
    };
    let (reason, by) = ("somebody said so".to_owned(), "ada".to_owned());
    match kind {
        0..3 => Event::Intended {
            step,
            attempt,
            existed_before: None,
        },
        3..5 => Event::Done {
            step,
            evidence: Vec::new(),
            attributes: Default::default(),
        },
        5 => Event::Failed {
            step,
            attempt,
            failure,
            retry_at: rotation.last_at(),
        },
        6 => Event::Observed {
            step,
            verdict: Observed::Unhealthy(reason),
            evidence: Vec::new(),
        },
        7 => Event::Approved { by },
        8 => Event::CutShort { by },
        9 => Event::Unwinding { reason, by: None },
        10 => Event::Stuck { reason },
        _ => Event::Resumed { by },
    }
}

fn journal(request: &OwnedRequest) -> Option<Journal> {
    let first = opened(request)?;
    let rotation = Rotation::open(&first).expect("it opens");
    let entries = vec![first];
    Some(Journal { rotation, entries })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_prefix_of_every_history_completes_or_unwinds(
        request in requests(),
        tries in prop::collection::vec(events(), 0..60),
        well in 0..60usize,
        goes_back in any::<bool>(),
    ) {
        let Some(mut journal) = journal(&request) else { return Ok(()) };
        for _ in 0..well.min(journal.rotation.script().len()) {
            if !journal.rests() {
                journal.go_on();
            }
        }
        for one in tries {
            let event = event(&journal.rotation, one);
            journal.append(event);
        }
        let back = goes_back && journal.rotation.can_unwind();
        if back {
            let (reason, by) = ("no".to_owned(), None);
            let unwinds = journal.append(Event::Unwinding { reason, by });
            prop_assert!(unwinds);
        }
        let expected = journal.rotation.closing();
        prop_assert!(!back || expected == Outcome::RolledBack);
        prop_assert_eq!(journal.run_to_rest(), expected);
    }

    #[test]
    fn what_is_accepted_replays_to_the_same_rotation_and_what_is_refused_changes_nothing(
        request in requests(),
        tries in prop::collection::vec(events(), 0..80),
    ) {
        let Some(mut journal) = journal(&request) else { return Ok(()) };
        for one in tries {
            let event = event(&journal.rotation, one);
            journal.append(event);
        }
        let stored: Vec<String> = journal.entries.iter().map(encode).collect();
        let read: Vec<Entry> = stored.iter().map(|text| decode(text).expect("it reads back")).collect();
        prop_assert_eq!(&read, &journal.entries);
        prop_assert_eq!(Rotation::replay(&read).expect("it replays"), journal.rotation);
    }
}
