//! What operators say: plan, rotate, approve, resume, roll back, finish.

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::credential::Credential;
use keywheel_domain::id::{CredentialName, RotationId, Sequence};
use keywheel_domain::plan::{Plan, PlanRequest};
use keywheel_domain::ports::{Lease, NewRotation};
use keywheel_domain::rotation::{Entry, Event, Opened, Rotation};
use keywheel_domain::trigger::Trigger;

use crate::error::AppError;
use crate::facade::Keywheel;

/// What became of a credential that was due when somebody looked.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Its rotation has begun.
    Begun(Lease, Box<NewRotation>),
    /// It may not begin yet: somebody else was faster, or the last one went back just now.
    NotBefore(Timestamp),
}

impl Keywheel {
    /// The plan that a rotation would have now. Changes nothing.
    ///
    /// # Errors
    /// [`AppError::NoPlan`] with the counter-example where none is safe.
    pub async fn plan(&self, name: &CredentialName, trigger: &Trigger) -> Result<Plan, AppError> {
        let credential = self.adopted(name).await?;
        self.plan_for(&credential, trigger)
    }

    fn plan_for(&self, credential: &Credential, trigger: &Trigger) -> Result<Plan, AppError> {
        let wiring = self.wiring(&credential.name)?;
        let request = PlanRequest {
            shape: wiring.shape(),
            policy: &wiring.policy,
            trigger,
            view: credential.view.clone(),
            new: credential.next_number(),
        };
        let no_plan = |source| AppError::NoPlan {
            credential: credential.name.clone(),
            source,
        };
        Plan::new(&request).map_err(no_plan)
    }

    /// Begins a rotation: from here on it is durable. [`Keywheel::drive`] moves it.
    ///
    /// # Errors
    /// [`AppError::NoPlan`]; `Active` of the journal where one is running.
    pub async fn open(&self, name: &CredentialName, trigger: Trigger, by: &str) -> Result<RotationId, AppError> {
        let credential = self.adopted(name).await?;
        let (_, new) = self.begin(credential, trigger, by).await?;
        Ok(new.rotation)
    }

    /// Begins the routine rotation of a credential that is due.
    pub(crate) async fn open_due(&self, name: &CredentialName, by: &str) -> Result<Opening, AppError> {
        let credential = self.adopted(name).await?;
        let at = credential.may_begin_at().unwrap_or(Timestamp::MAX);
        if at > self.now() && credential.active.is_none() {
            return Ok(Opening::NotBefore(at));
        }
        let (lease, new) = self.begin(credential, Trigger::Routine, by).await?;
        Ok(Opening::Begun(lease, Box::new(new)))
    }

    async fn begin(
        &self,
        credential: Credential,
        trigger: Trigger,
        by: &str,
    ) -> Result<(Lease, NewRotation), AppError> {
        if let Some(active) = &credential.active {
            return Err(keywheel_domain::ports::JournalError::Active(active.clone()).into());
        }
        let plan = self.plan_for(&credential, &trigger)?;
        let rotation = self.new_rotation_id()?;
        let opened = Opened {
            rotation: rotation.clone(),
            credential: credential.name.clone(),
            trigger,
            requested_by: by.to_owned(),
            plan,
        };
        let new = NewRotation {
            rotation: rotation.clone(),
            opened: Entry {
                sequence: Sequence(1),
                at: self.now(),
                event: Event::Opened(Box::new(opened)),
            },
            credential: Credential {
                active: Some(rotation),
                ..credential
            },
        };
        let open = self
            .journal()
            .open(&new, &self.inner.driver, self.now(), self.inner.lease);
        let lease = open.await?;
        Ok((lease, new))
    }

    /// The rotation of that id, replayed from its journal.
    ///
    /// # Errors
    /// [`AppError::UnknownRotation`], [`AppError::Damaged`].
    pub async fn rotation(&self, id: &RotationId) -> Result<Rotation, AppError> {
        let entries = self.journal().load(id).await?;
        if entries.is_empty() {
            return Err(AppError::UnknownRotation(id.clone()));
        }
        Rotation::replay(&entries).map_err(|source| AppError::Damaged {
            rotation: id.clone(),
            source,
        })
    }

    /// The rotation of a credential that is under way.
    ///
    /// # Errors
    /// [`AppError::NothingActive`].
    pub async fn active(&self, name: &CredentialName) -> Result<RotationId, AppError> {
        let credential = self.adopted(name).await?;
        credential.active.ok_or_else(|| AppError::NothingActive(name.clone()))
    }

    /// Has a stuck rotation go on. One that is not stuck is left as it is.
    ///
    /// Like everything that is said to a rotation, it reaches one that somebody drives: at once while that driver waits, and after
    /// the step that is under way otherwise.
    ///
    /// # Errors
    /// Where another driver is at one step for longer than its lease and the policy's `step_timeout`, or the journal fails.
    pub async fn resume(&self, id: &RotationId, by: &str) -> Result<(), AppError> {
        let stuck = self.rotation(id).await?.outcome() == Some(keywheel_domain::rotation::Outcome::Stuck);
        if !stuck {
            return Ok(());
        }
        self.say(id, Event::Resumed { by: by.to_owned() }).await
    }

    /// Has a rotation go back.
    ///
    /// # Errors
    /// [`AppError::NotNow`] past its point of no return.
    pub async fn rollback(&self, id: &RotationId, reason: &str, by: &str) -> Result<(), AppError> {
        let unwinding = Event::Unwinding {
            reason: reason.to_owned(),
            by: Some(by.to_owned()),
        };
        self.say(id, unwinding).await
    }

    /// Ends the grace early, as far as tokens that are still alive allow it.
    ///
    /// # Errors
    /// [`AppError::NotNow`] where no grace is running.
    pub async fn finish(&self, id: &RotationId, by: &str) -> Result<(), AppError> {
        self.say(id, Event::CutShort { by: by.to_owned() }).await
    }

    /// Approves a rotation that waits for it.
    ///
    /// # Errors
    /// [`AppError::MayNotApprove`] for whoever is not in the policy's list, or asked for the rotation.
    pub async fn approve(&self, id: &RotationId, by: &str) -> Result<(), AppError> {
        let rotation = self.rotation(id).await?;
        let refuse = |why: &str| {
            Err(AppError::MayNotApprove {
                who: by.to_owned(),
                why: why.to_owned(),
            })
        };
        if !rotation.plan().limits().approvers.iter().any(|approver| approver == by) {
            return refuse("the policy's `approvers` do not name them");
        }
        if rotation.requested_by() == by {
            return refuse("who asked for a rotation does not approve it; somebody else has to");
        }
        self.say(id, Event::Approved { by: by.to_owned() }).await
    }

    /// How long a driver that died keeps others from its rotation.
    pub fn lease(&self) -> SignedDuration {
        self.inner.lease
    }
}
