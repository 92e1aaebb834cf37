//! What every notifier has to keep.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use keywheel_domain::id::RotationId;
use keywheel_domain::ports::{Notice, Notifier};

use super::alarm::in_time;
use crate::sample::{minute, name, rotation_id};

/// A notifier, and a look at what people see.
pub struct Fixture {
    /// The notifier, which was told nothing yet.
    pub notifier: Arc<dyn Notifier>,
    /// The rotation of every notice that is open now; one that is open twice is there twice.
    pub open: Box<dyn Fn() -> BoxFuture<'static, Vec<RotationId>> + Send + Sync>,
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fixture({:?})", self.notifier)
    }
}

/// Makes a notifier that nobody was told through yet.
pub type Fresh<'a> = &'a (dyn Fn() -> BoxFuture<'static, Fixture> + Sync);

/// Each check on a notifier of its own, and none for ever.
macro_rules! each {
    ($fresh:ident, $($check:path),+ $(,)?) => {
        $(in_time(stringify!($check), async { $check(&$fresh().await).await }).await;)+
    };
}

/// Runs every check, each on a notifier of its own.
///
/// # Panics
/// Where the notifier breaks the contract.
pub async fn check(fresh: Fresh<'_>) {
    each!(
        fresh,
        a_notice_is_opened_once_and_updated_after_that,
        a_closed_notice_is_closed_for_everybody,
        closing_what_was_never_open_succeeds,
        a_closed_notice_may_be_opened_again,
        rotations_have_notices_of_their_own,
        any_text_can_be_told,
    );
}

fn notice(rotation: u64, minutes: i64, message: &str) -> Notice {
    Notice {
        rotation: rotation_id(rotation),
        credential: name(),
        at: minute(minutes),
        message: message.to_owned(),
        needs_action: minutes > 0,
    }
}

async fn tell(fixture: &Fixture, notice: &Notice) {
    let told = fixture.notifier.tell(notice).await;
    told.expect("telling people succeeds");
}

async fn close(fixture: &Fixture, notice: &Notice) {
    let closed = fixture.notifier.close(notice).await;
    closed.expect("closing a notice succeeds");
}

async fn open(fixture: &Fixture) -> Vec<RotationId> {
    let mut open = (fixture.open)().await;
    open.sort();
    open
}

/// The same words again are no second notice, and neither are other words. People know the notifier by a name.
pub async fn a_notice_is_opened_once_and_updated_after_that(fixture: &Fixture) {
    assert!(!fixture.notifier.name().is_empty(), "a notifier has a name for people");
    assert_eq!(open(fixture).await, [], "nothing was said yet");
    for (minutes, message) in [
        (0, "it begins"),
        (0, "it begins"),
        (1, "it is stuck"),
        (2, "it goes on"),
    ] {
        tell(fixture, &notice(1, minutes, message)).await;
        assert_eq!(open(fixture).await, [rotation_id(1)], "after `{message}`");
    }
}

/// Closing twice is closing once.
pub async fn a_closed_notice_is_closed_for_everybody(fixture: &Fixture) {
    tell(fixture, &notice(1, 0, "it begins")).await;
    for _ in 0..2 {
        close(fixture, &notice(1, 1, "it ended")).await;
        assert_eq!(open(fixture).await, []);
    }
}

/// Nothing is opened by it.
pub async fn closing_what_was_never_open_succeeds(fixture: &Fixture) {
    close(fixture, &notice(1, 0, "it ended")).await;
    assert_eq!(open(fixture).await, []);
}

/// A rotation that was given up may be resumed.
pub async fn a_closed_notice_may_be_opened_again(fixture: &Fixture) {
    tell(fixture, &notice(1, 0, "it begins")).await;
    close(fixture, &notice(1, 1, "it ended")).await;
    tell(fixture, &notice(1, 2, "it goes on")).await;
    assert_eq!(open(fixture).await, [rotation_id(1)]);
}

/// Closing one leaves the other.
pub async fn rotations_have_notices_of_their_own(fixture: &Fixture) {
    tell(fixture, &notice(1, 0, "it begins")).await;
    tell(fixture, &notice(2, 0, "it begins")).await;
    assert_eq!(open(fixture).await, [rotation_id(1), rotation_id(2)]);
    close(fixture, &notice(1, 1, "it ended")).await;
    assert_eq!(open(fixture).await, [rotation_id(2)]);
}

/// Of other scripts, with the marks of every markup, and longer than a message may be on its way.
pub async fn any_text_can_be_told(fixture: &Fixture) {
    let long = "a reason that does not end ".repeat(400);
    let texts = [
        "",
        "schlüssel 鍵 🔑",
        "<b>&amp; \"*_`{{x}}' \\ %s $(x) \u{7}\r\n\t@all #1",
        &long,
    ];
    for text in texts {
        tell(fixture, &notice(1, 0, text)).await;
        close(fixture, &notice(1, 1, text)).await;
    }
    assert_eq!(open(fixture).await, []);
}
