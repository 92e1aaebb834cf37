//! `keywheel demo`: a token service under load, its signing key rotated by the real command, and what that did to its clients.

mod company;
mod driver;
mod faults;
mod folder;
mod story;
mod tell;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use keywheel_app::{Keywheel, Silent};
use keywheel_domain::id::CredentialName;
use keywheel_domain::rotation::{Outcome, Rotation};
use keywheel_local::OsEntropy;

use crate::config::Config;
use crate::wire::{self, State, Which};
use company::Company;
use driver::Driver;
use faults::Faults;
use folder::{CREDENTIAL, Folder};
pub(crate) use story::Story;
use tell::Narrator;
pub(crate) use tell::{holds, table};

/// How long the whole may take before something is wrong.
const LONGEST: f64 = 120.0;
/// How many verifications the demonstration makes at the least.
const ENOUGH: u64 = 50_000;
/// How often the journal is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs the demonstration.
///
/// # Errors
/// Where it could not be set up, or its driver gave up. That tokens were refused is no error but in the story.
pub(crate) async fn run(fault: bool, json: bool) -> anyhow::Result<Story> {
    let narrator = Narrator::new(json);
    let began = now_seconds();
    narrator.say("an application's RSA-4096 key pair is made, and taken over by Keywheel");
    let folder = Folder::make()?;
    keywheel_local::create_key_file(&folder.root().join("keywheel.key"), &OsEntropy)?;
    let mut driver = Driver::new(&folder.config())?;
    driver.adopt()?;
    folder.steal()?;
    narrator.say("three instances of its service sign and verify, and clients use them without pause");
    let mut company = Company::start(&folder.keys(), &folder.reports())?;
    let name: CredentialName = CREDENTIAL.parse()?;
    let session = wire::open(
        Config::load(Some(&folder.config()))?,
        Which::All,
        State::Look,
        Arc::new(Silent),
    )
    .await?;
    let keywheel = &session.keywheel;
    driver.rotate()?;
    let rotation = watch(keywheel, &name, &mut driver, &mut Faults::new(fault), &narrator).await?;
    go_on(&company);
    let stolen_key = company.try_stolen_key(&folder.stolen())?;
    company.stop();
    let credential = keywheel
        .credential(&name)
        .await?
        .context("the credential is gone from the inventory")?;
    let entries = keywheel.entries(rotation.id()).await?;
    let tally = company.tally();
    let story = Story {
        verified: company::read(&tally.verified),
        refused: company::read(&tally.refused),
        signed: company::read(&tally.signed),
        outcome: rotation.outcome(),
        kills: driver.kills(),
        seconds: now_seconds() - began,
        keys: story::keys(&credential, &entries, &company.by_key()),
        stolen_key: stolen_key
            .into_iter()
            .map(|answer| answer.map_or("ACCEPTED".to_owned(), |why| why.to_string()))
            .collect(),
        audit: keywheel.audit_of(rotation.id()).await?,
    };
    Ok(story)
}

/// Lets the clients go on for a moment, so that what the end of the rotation did to them is counted too, and on a slow machine until
/// there are enough of them to mean something.
fn go_on(company: &Company) {
    let began = now_seconds();
    let enough = || company::read(&company.tally().verified) >= ENOUGH;
    while now_seconds() - began < 1.0 || (!enough() && now_seconds() - began < 60.0) {
        pause(LOOK_EVERY);
    }
}

/// Follows the journal until the rotation rests, and kills its driver where that is wanted.
async fn watch(
    keywheel: &Keywheel,
    name: &CredentialName,
    driver: &mut Driver,
    faults: &mut Faults,
    narrator: &Narrator,
) -> anyhow::Result<Rotation> {
    let began = now_seconds();
    let mut told = None;
    loop {
        pause(LOOK_EVERY);
        anyhow::ensure!(
            now_seconds() - began < LONGEST,
            "the rotation did not end within {LONGEST} seconds"
        );
        let ended = driver.has_ended()?;
        let Some(rotation) = keywheel.history(name).await?.into_iter().next() else {
            anyhow::ensure!(
                !ended,
                "the driver ended before it began; `keywheel rotate` on a configuration of your own says why"
            );
            continue;
        };
        if told != Some(rotation.position()) {
            told = Some(rotation.position());
            narrator.step(&rotation, now_seconds() - began);
        }
        if rotation
            .outcome()
            .is_some_and(|outcome| ended || outcome == Outcome::Stuck)
        {
            return Ok(rotation);
        }
        if faults.strikes(&rotation) {
            narrator.killed();
            driver.kill_and_resume()?;
            continue;
        }
        anyhow::ensure!(
            !ended,
            "the driver ended before the rotation did: {}",
            keywheel.status_of(&rotation).next
        );
    }
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the demonstration's clients live in real time")]
fn now_seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demonstration watches another process in real time"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
