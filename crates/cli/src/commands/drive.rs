//! What every command that moves a rotation shares: the observer, the wait for a driver that died, signals, the result.

use std::sync::Arc;

use jiff::SignedDuration;
use keywheel_app::{AppError, Driven, Observer};
use keywheel_domain::id::{CredentialName, RotationId};
use keywheel_domain::ports::JournalError;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{DriveArgs, GlobalArgs};
use crate::commands::known;
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::render::progress::{People, Programs};
use crate::render::result::{self, Ended};
use crate::render::time;
use crate::wire::{self, Session, State, Which};

/// How much longer than a lease one waits for a driver that may have died: clocks differ, and disks are slow.
const AFTER_THE_LEASE: SignedDuration = SignedDuration::from_secs(5);
/// What `--detach` waits for all the same: restarts, reports, health checks.
const SHORT: SignedDuration = SignedDuration::from_mins(1);
/// How often one looks whether the other driver is gone.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_millis(250);

/// A session that shows how a rotation runs.
pub(super) struct Driving {
    pub(super) session: Session,
    people: Option<Arc<People>>,
    detach: bool,
}

/// Opens everything for one credential, with an observer as the arguments want it.
pub(super) async fn open(global: &GlobalArgs, name: &CredentialName, args: &DriveArgs) -> anyhow::Result<Driving> {
    let config = Config::load(global.config.as_deref())?;
    known(&config, name)?;
    let clock = wire::clock();
    let people = (!args.json).then(|| Arc::new(People::new(clock.clone())));
    let observer: Arc<dyn Observer> = match &people {
        Some(people) => people.clone(),
        None => Arc::new(Programs::new(clock)),
    };
    let session = wire::open(config, Which::Only(name), State::Look, observer).await?;
    Ok(Driving {
        session,
        people,
        detach: args.detach,
    })
}

impl Driving {
    /// Moves the rotation until it rests, asks, waits for too long or is interrupted, and shows the result.
    pub(super) async fn drive(&self, id: &RotationId, back_is_wanted: bool) -> anyhow::Result<Exit> {
        let patience = if self.detach { SHORT } else { SignedDuration::MAX };
        let driving = self.patiently(id, patience);
        let ended = tokio::select! {
            driven = driving => driven.map(Ended::Driven),
            stopped = stop() => stopped.map(|()| Ended::Interrupted).map_err(Into::into),
        };
        self.end();
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                output::note("the rotation is safe where it stands; `keywheel status` shows where");
                return Err(error);
            }
        };
        if matches!(ended, Ended::Interrupted) {
            self.give_up(id).await;
        }
        let rotation = self.session.keywheel.rotation(id).await?;
        let exit = result::exit(&ended, back_is_wanted);
        match self.people {
            Some(_) => output::line(result::text(&rotation, &ended)),
            None => output::json(&result::json(&rotation, &ended, exit, self.session.ports.clock.now())),
        }
        Ok(exit)
    }

    /// Drives, once a driver that had the rotation before has given it up, or died and is out of its lease.
    async fn patiently(&self, id: &RotationId, patience: SignedDuration) -> anyhow::Result<Driven> {
        let clock = &self.session.ports.clock;
        let give_up = clock.monotonic() + self.session.config.lease + AFTER_THE_LEASE;
        let mut said = false;
        loop {
            match self.session.keywheel.drive(id, patience).await {
                Err(AppError::Journal(JournalError::Held { holder, until })) if clock.monotonic() < give_up => {
                    if !said {
                        let left = time::length(clock.now().duration_until(until));
                        output::note(format!(
                            "waiting: {holder} holds the rotation for {left} more, unless it still runs"
                        ));
                        said = true;
                    }
                    clock.sleep(LOOK_AGAIN).await;
                }
                other => return Ok(other?),
            }
        }
    }

    /// Takes the changing line off the terminal.
    pub(super) fn end(&self) {
        if let Some(people) = &self.people {
            people.end();
        }
    }

    /// Gives the lease of an interrupted rotation up, so that `resume` need not wait for it to run out.
    async fn give_up(&self, id: &RotationId) {
        let Session {
            ports, driver, config, ..
        } = &self.session;
        let now = ports.clock.now();
        let lease = ports.journal.claim(id, driver, now, config.lease).await;
        if let Ok(lease) = lease {
            // Where this fails the lease runs out by itself.
            let _ = ports.journal.release(&lease, Some(now)).await;
        }
    }
}

/// Returns when somebody wants this process to end.
pub(super) async fn stop() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
