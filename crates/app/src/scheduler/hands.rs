//! What a scheduler does with one thing that is due.

use std::sync::atomic::AtomicBool;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::{Due, JournalError};

use super::news::{News, Reporter};
use super::overdue::Overdue;
use crate::commands::Opening;
use crate::driver::{CanaryWatch, Driven, Terms};
use crate::error::AppError;
use crate::facade::Keywheel;

/// The longest wait for which a rotation is stayed with: what waits longer makes room, and has its turn again when its time comes.
const STAYS: SignedDuration = SignedDuration::from_secs(2);

/// Something that ran and ended.
pub(super) enum Happened {
    /// What is due, where that many were asked for.
    Looked {
        asked: usize,
        found: Result<Vec<Due>, AppError>,
    },
    /// Which credential a rotation belongs to.
    Located {
        rotation: RotationId,
        credential: Result<CredentialName, AppError>,
    },
    /// Something was moved.
    Moved(Box<Moved>),
    /// What is overdue.
    Counted(Result<Overdue, AppError>),
}

/// Something that was moved as far as it goes for now.
pub(super) struct Moved {
    pub(super) due: Due,
    pub(super) credential: CredentialName,
    /// `None` where none was opened.
    pub(super) rotation: Option<RotationId>,
    pub(super) end: Moving,
    pub(super) canary: CanaryWatch,
}

/// How moving something ended.
pub(super) enum Moving {
    Driven(Driven),
    /// Somebody else had it.
    Elsewhere,
    /// It may not begin yet.
    NotBefore(Timestamp),
    Failed(AppError),
}

impl From<Result<Driven, AppError>> for Moving {
    /// Among several schedulers it is no error that one of them was first.
    fn from(driven: Result<Driven, AppError>) -> Self {
        use JournalError::{Active, Changed, Fenced, Held};
        match driven {
            Ok(Driven::Elsewhere { .. }) => Self::Elsewhere,
            Ok(driven) => Self::Driven(driven),
            Err(AppError::Journal(Held { .. } | Fenced | Active(_) | Changed)) => Self::Elsewhere,
            Err(error) => Self::Failed(error),
        }
    }
}

/// Everything that the running futures share.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    pub(super) app: &'a Keywheel,
    pub(super) requested_by: &'a str,
    pub(super) reporter: &'a dyn Reporter,
    pub(super) over: &'a AtomicBool,
}

impl Hands<'_> {
    fn terms(&self) -> Terms<'_> {
        Terms::scheduled(STAYS, self.over)
    }

    /// Looks into the index; the first time after the dates in it were made those of the policies of now.
    pub(super) async fn look(self, limit: usize, is_first: bool) -> Happened {
        Happened::Looked {
            asked: limit,
            found: self.found(limit, is_first).await,
        }
    }

    async fn found(self, limit: usize, is_first: bool) -> Result<Vec<Due>, AppError> {
        if is_first {
            self.app.reschedule().await?;
        }
        Ok(self.app.journal().due(self.app.now(), limit).await?)
    }

    pub(super) async fn locate(self, rotation: RotationId) -> Happened {
        let found = self.app.rotation(&rotation).await;
        let credential = found.map(|rotation| rotation.credential().clone());
        Happened::Located { rotation, credential }
    }

    /// Another process may have adopted something by another policy, or ended its rotation by one, so the dates are set right again.
    pub(super) async fn count(self) -> Happened {
        let set_right = self.app.reschedule().await;
        Happened::Counted(match set_right {
            Ok(()) => self.app.overdue().await,
            Err(error) => Err(error),
        })
    }

    /// Opens the rotation of a credential that is due, and drives it.
    pub(super) async fn begin(self, credential: CredentialName) -> Happened {
        let mut canary = CanaryWatch::default();
        let mut rotation = None;
        let end = match self.app.open_due(&credential, self.requested_by).await {
            Ok(Opening::NotBefore(at)) => Moving::NotBefore(at),
            Ok(Opening::Begun(lease, new)) => {
                let id = rotation.insert(new.rotation.clone());
                self.reporter.hear(&News::Opened {
                    credential: &credential,
                    rotation: id,
                });
                let driven = self.app.drive_opened(lease, *new, self.terms(), &mut canary).await;
                driven.into()
            }
            Err(error) => Err(error).into(),
        };
        Happened::Moved(Box::new(Moved {
            due: Due::Credential(credential.clone()),
            credential,
            rotation,
            end,
            canary,
        }))
    }

    /// Goes on with a rotation whose time has come, or whose driver died.
    pub(super) async fn go_on(
        self,
        rotation: RotationId,
        credential: CredentialName,
        mut canary: CanaryWatch,
    ) -> Happened {
        let driven = self.app.drive_on(&rotation, self.terms(), &mut canary).await;
        Happened::Moved(Box::new(Moved {
            due: Due::Rotation(rotation.clone()),
            credential,
            rotation: Some(rotation),
            end: driven.into(),
            canary,
        }))
    }
}
