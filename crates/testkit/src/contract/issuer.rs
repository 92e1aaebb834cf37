//! What every issuer has to keep. What it declares decides which checks apply; that an acceptor which does not answer is neither
//! a refusal nor a proof is for the tests of each issuer, which can cut its acceptors off.

mod bench;
mod every;
mod minted;
mod one;
mod ours;
mod two;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{Issuer, VersionMaterial};

use super::alarm::in_time;
use bench::Bench;

/// An issuer with a version in use, ready for the suite. Where it can hold two versions there is room for a second one.
pub struct Fixture {
    /// The issuer.
    pub issuer: Arc<dyn Issuer>,
    /// The version that it accepts now, with the attributes that it describes.
    pub current: VersionMaterial,
    /// What has to live as long: a folder, a server.
    pub keep: Box<dyn Any + Send>,
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (issuer, current) = (&self.issuer, &self.current.id);
        write!(f, "Fixture({issuer:?}, {current})")
    }
}

/// Makes an issuer that nobody else uses, in the same state every time.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Fixture> + Sync);

/// Each check on a fixture of its own, and none for ever.
macro_rules! each {
    ($fresh:ident, $($check:path),+ $(,)?) => {
        $(in_time(stringify!($check), async { $check(&Bench::new($fresh().await)).await }).await;)+
    };
}

/// Runs every check that applies, each on an issuer of its own.
///
/// # Panics
/// Where the issuer breaks the contract.
pub async fn check(fresh: &(dyn Fn() -> BoxFuture<'static, Fixture> + Sync)) {
    let capabilities = in_time("a fresh issuer", fresh()).await.issuer.capabilities();
    check_every(fresh).await;
    match capabilities.minted_by {
        MintedBy::Us => check_ours(fresh).await,
        MintedBy::Authority => check_minted(fresh).await,
    }
    match capabilities.overlap {
        Overlap::TwoVersions => check_two(fresh, capabilities.can_suspend).await,
        Overlap::OneVersion => check_one(fresh).await,
        Overlap::KeyRing => {}
    }
}

async fn check_every(fresh: Fresh<'_>) {
    each!(
        fresh,
        every::what_it_can_do_does_not_change,
        every::a_preflight_of_a_working_issuer_blocks_nothing_and_changes_nothing,
        every::the_version_in_use_is_proven_and_not_dead,
        every::a_description_is_always_the_same_and_holds_no_secret,
        every::material_of_something_else_is_invalid,
        every::the_inventory_lists_each_thing_once,
        every::usage_is_told_with_evidence_or_untold,
        every::what_it_does_not_declare_is_unsupported_and_does_nothing,
        every::nothing_that_it_says_holds_material,
    );
}

async fn check_ours(fresh: Fresh<'_>) {
    each!(
        fresh,
        ours::generating_has_no_effect_outside,
        ours::no_two_materials_are_the_same,
        ours::a_version_that_nobody_accepted_is_refused_and_dead,
    );
}

async fn check_minted(fresh: Fresh<'_>) {
    each!(
        fresh,
        minted::what_was_minted_is_accepted_beside_the_version_in_use,
        minted::minting_again_deletes_what_the_lost_attempt_left_behind,
        minted::what_existed_before_is_never_touched,
        minted::another_name_is_somebody_elses,
        minted::sweeping_twice_is_sweeping_once,
        minted::sweeping_where_nothing_is_left_succeeds,
    );
}

async fn check_two(fresh: Fresh<'_>, can_suspend: bool) {
    each!(
        fresh,
        two::both_versions_are_accepted_while_they_overlap,
        two::the_new_version_has_names_of_its_own,
        two::a_version_that_is_retired_is_dead_and_the_other_works,
        two::a_new_version_that_is_retired_leaves_the_old_one_working,
        two::a_version_that_never_was_may_be_retired,
    );
    if can_suspend {
        each!(
            fresh,
            two::a_suspended_version_is_dead_until_it_is_reinstated,
            two::a_new_version_that_is_suspended_leaves_the_old_one_working,
            two::reinstating_what_is_not_suspended_changes_nothing,
            two::a_version_that_is_gone_may_be_suspended,
            two::a_suspended_version_may_be_retired,
        );
    }
}

async fn check_one(fresh: Fresh<'_>) {
    each!(
        fresh,
        one::a_replacement_ends_the_old_version_and_begins_the_new_one,
        one::a_replacement_may_be_undone,
        one::a_replacement_that_was_cut_off_may_be_repeated,
    );
}

#[cfg(test)]
mod tests;
