//! `keywheel run`

use std::sync::Arc;

use keywheel_app::Tally;
use keywheel_domain::ports::Due;

use crate::args::{GlobalArgs, RunArgs};
use crate::commands::{actor, drive, tell_problems};
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::render::due;
use crate::render::run::Crowd;
use crate::wire::{self, Session, State, Which};

/// More than this is not listed.
const MOST_LISTED: usize = 10_000;

pub(crate) async fn run(global: &GlobalArgs, args: &RunArgs) -> anyhow::Result<Exit> {
    let config = Config::load(global.config.as_deref())?;
    let crowd = Arc::new(Crowd::new(wire::clock(), args.json));
    let session = wire::open(config, Which::All, State::Need, crowd.clone()).await?;
    // The others are looked after all the same.
    let broken = tell_problems(session.keywheel.unusable());
    if args.dry_run {
        return Ok(dry_run(&session, args).await?.max(broken));
    }
    let scheduler = session
        .keywheel
        .scheduler(&actor(global))
        .workers(args.workers.get())
        .per_bulkhead(args.per_server.get())
        .patience(args.patience);
    let tally = if args.once {
        scheduler.run_once(crowd.as_ref(), stopped()).await?
    } else {
        crowd.begins(&session.config);
        scheduler.run(crowd.as_ref(), stopped()).await?
    };
    let exit = match exit(&tally, args.once) {
        Exit::Done if args.once => broken,
        worse => worse,
    };
    crowd.ended(&tally, exit);
    Ok(exit)
}

/// Returns when a signal asks this process to end. Where none can be heard it ends as any process does.
async fn stopped() {
    if drive::stop().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The worst that a run saw. To be stopped is what ends a run that has no end of its own.
fn exit(tally: &Tally, once: bool) -> Exit {
    let worst = [
        (tally.stuck > 0 || !tally.overdue.stuck.is_empty(), Exit::Stuck),
        (tally.rolled_back > 0, Exit::RolledBack),
        (tally.failed > 0 || !tally.overdue.idle.is_empty(), Exit::Failed),
        (tally.asks > 0, Exit::Waits),
    ];
    if tally.stopped {
        return if once { Exit::Interrupted } else { Exit::Done };
    }
    let found = worst.into_iter().find(|(is_so, _)| *is_so);
    found.map_or(Exit::Done, |(_, exit)| exit)
}

/// What is due and what would be done about it.
async fn dry_run(session: &Session, args: &RunArgs) -> anyhow::Result<Exit> {
    let mut lines = Vec::new();
    for one in session.keywheel.due(MOST_LISTED).await? {
        let line = match &one {
            Due::Credential(name) => due::credential(session, name).await?,
            Due::Rotation(id) => due::rotation(session, id).await?,
        };
        lines.push(line);
    }
    if args.json {
        output::json(&lines.iter().map(due::json).collect::<Vec<_>>());
    } else if lines.is_empty() {
        output::note("nothing is due");
    } else {
        output::line(due::text(&lines));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use keywheel_app::Overdue;

    use super::*;

    fn tally(stuck: usize, rolled_back: usize, failed: usize, asks: usize) -> Tally {
        Tally {
            completed: 3,
            waits: 2,
            elsewhere: 5,
            stuck,
            rolled_back,
            failed,
            asks,
            ..Tally::default()
        }
    }

    #[test]
    fn a_run_ends_with_the_worst_that_it_saw() {
        for (seen, expected) in [
            (tally(0, 0, 0, 0), Exit::Done),
            (tally(0, 0, 0, 1), Exit::Waits),
            (tally(0, 0, 1, 1), Exit::Failed),
            (tally(0, 1, 1, 1), Exit::RolledBack),
            (tally(1, 1, 1, 1), Exit::Stuck),
        ] {
            assert_eq!(exit(&seen, true), expected, "{seen:?}");
        }
    }

    #[test]
    fn what_was_stuck_or_is_overdue_counts_although_nothing_happened() {
        let name = || vec!["a".parse().unwrap()];
        let of = |idle, stuck| Tally {
            overdue: Overdue { idle, stuck },
            ..Tally::default()
        };
        assert_eq!(exit(&of(name(), Vec::new()), true), Exit::Failed);
        assert_eq!(exit(&of(name(), name()), true), Exit::Stuck);
    }

    #[test]
    fn to_be_stopped_is_an_interruption_only_of_what_would_have_ended() {
        let stopped = Tally {
            stopped: true,
            ..tally(1, 1, 1, 1)
        };
        assert_eq!(exit(&stopped, true), Exit::Interrupted);
        assert_eq!(exit(&stopped, false), Exit::Done);
    }
}
