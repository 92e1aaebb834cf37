//! A suite that nothing fails is worth nothing.

mod flawed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use keywheel_domain::ports::{Issuer, VersionMaterial};

use self::flawed::{Flaw, Flawed};
use super::Fixture;
use crate::executor::run;
use crate::fake::contracts::in_use;
use crate::world::{Setup, Style};

/// Whether the suite lets the flaw pass.
fn passes(flaw: Flaw, style: Style) -> bool {
    let fresh = move || {
        async move {
            let (company, current) = in_use(Setup::new(style)).await;
            let issuer = Arc::new(Flawed::new(&company.world, flaw));
            let attributes = issuer.describe(&current.material).expect("it is its own");
            Fixture {
                issuer,
                current: VersionMaterial { attributes, ..current },
                keep: Box::new(company),
            }
        }
        .boxed()
    };
    let clock = crate::clock::TestClock::starting_at(Timestamp::UNIX_EPOCH);
    catch_unwind(AssertUnwindSafe(|| run(&clock, super::check(&fresh)))).is_ok()
}

/// What issuers of logins can do wrong.
const USERS: &[Flaw] = &[
    Flaw::ProvesEverything,
    Flaw::TakesSilenceForARefusal,
    Flaw::TakesARefusalForSilence,
    Flaw::BuriesTheLiving,
    Flaw::EvidenceOfAnotherKind,
    Flaw::EvidenceWithASecret,
    Flaw::StagesTwice,
    Flaw::StagesInPlace,
    Flaw::DoesNotSuspend,
    Flaw::SuspendsBoth,
    Flaw::CannotSuspendWhatIsGone,
    Flaw::DoesNotReinstate,
    Flaw::ReinstatesWhatIsGone,
    Flaw::RetiresEverything,
    Flaw::CannotRetireWhatIsGone,
    Flaw::DescribesAnything,
    Flaw::DescribesAnew,
    Flaw::DescribesTheSecret,
    Flaw::DescribesAllAlike,
    Flaw::GeneratesOutside,
    Flaw::GeneratesTheSame,
    Flaw::Blocks,
    Flaw::ActsAtPreflight,
    Flaw::ClaimsDisuse,
    Flaw::ListsTwice,
    Flaw::ListsNothing,
    Flaw::Hangs,
];
/// What authorities that mint can do wrong.
const KEYS: &[Flaw] = &[
    Flaw::MintsBesideTheOrphan,
    Flaw::MintsOverWhatExisted,
    Flaw::SweepsOtherNames,
    Flaw::CannotSweepNothing,
];
/// What issuers of one version can do wrong.
const ONE: &[Flaw] = &[
    Flaw::ReplacesBesides,
    Flaw::DoesWhatItDoesNotDeclare,
    Flaw::ProvesEverything,
];
/// What issuers of a key ring can do wrong.
const RING: &[Flaw] = &[
    Flaw::ProvesEverything,
    Flaw::BuriesTheLiving,
    Flaw::DoesWhatItDoesNotDeclare,
    Flaw::GeneratesTheSame,
    Flaw::ListsNothing,
];

#[test]
fn every_flaw_is_caught() {
    let kinds = [
        (Style::TwinUsers, USERS),
        (Style::TwinKeys, KEYS),
        (Style::InPlace, ONE),
        (Style::KeyRing, RING),
    ];
    for (style, flaws) in kinds {
        let missed: Vec<_> = flaws.iter().filter(|flaw| passes(**flaw, style)).collect();
        assert!(missed.is_empty(), "{missed:?} pass the suite for {style:?}");
    }
}

#[test]
fn an_issuer_without_a_flaw_passes() {
    for style in [Style::TwinUsers, Style::TwinKeys, Style::InPlace, Style::KeyRing] {
        assert!(passes(Flaw::None, style), "{style:?}");
    }
}
