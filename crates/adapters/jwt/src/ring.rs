//! The runtime half, for applications written in Rust: a [`KeyRing`] signs and verifies tokens with the keys that
//! Keywheel delivers, and follows a rotation without a restart.
//!
//! A ring is a folder with a `keyring.json` (the [`Manifest`]) and the PEM files that it names. It is read as one set,
//! checked as a whole, and swapped in at once: readers never wait for a lock and never see half of a set.

mod checks;
mod error;
mod folder;
mod manifest;
mod refusal;
mod report;
mod set;
mod sign;
mod verify;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use checks::Checks;
pub use error::RingError;
pub use manifest::{MANIFEST, Manifest, ManifestKey};
pub use refusal::{Reason, Refusal};
pub use report::Report;
pub use sign::SignError;
pub use verify::Verified;
pub use watch::Watch;

pub(crate) use folder::read_file;
pub(crate) use set::KeySet;
pub(crate) use sign::sign_once;

use folder::Fingerprint;
use refusal::Refusals;

/// Seconds since 1970 in UTC, from wherever the application takes its time.
pub type UnixClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How a ring presents itself in its report.
#[derive(Clone)]
pub struct Options {
    /// The name of this instance among its peers, for example the pod's name. The default is the process id.
    pub instance: String,
    /// The clock that dates the report and the last use of a key. It has no say in whether a token has expired.
    pub clock: UnixClock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instance: format!("pid-{}", std::process::id()),
            clock: Arc::new(report::system_clock),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// The keys of one application instance. Cheap to clone; all clones are the same ring.
///
/// A folder without private keys makes a ring that verifies only.
#[derive(Clone)]
pub struct KeyRing {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    options: Options,
    current: ArcSwap<KeySet>,
    refusals: Refusals,
    /// Held while reloading, so that two reloads cannot overtake each other. Readers never take it.
    reloading: Mutex<Reloading>,
}

struct Reloading {
    loaded: Fingerprint,
    last_error: Option<String>,
}

impl KeyRing {
    /// Loads the ring in a folder.
    ///
    /// # Errors
    /// [`RingError`], which names the file and what is wrong with it.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, RingError> {
        Self::open_with(folder, Options::default())
    }

    /// Loads the ring in a folder, with a name and a clock of the application's choice.
    ///
    /// # Errors
    /// [`RingError`], which names the file and what is wrong with it.
    pub fn open_with(folder: impl Into<PathBuf>, options: Options) -> Result<Self, RingError> {
        let folder = folder.into();
        let (files, loaded) = folder::read(&folder)?;
        let set = KeySet::build(files, None, (options.clock)())?;
        let reloading = Mutex::new(Reloading {
            loaded,
            last_error: None,
        });
        let refusals = Refusals::default();
        let inner = Inner {
            folder,
            options,
            current: ArcSwap::from_pointee(set),
            refusals,
            reloading,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Signs claims with the primary key. The header carries the key's `alg` and `kid`.
    ///
    /// # Errors
    /// [`SignError::VerifierOnly`] in a folder without the primary's private key.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String, SignError> {
        self.inner.current.load().sign(claims)
    }

    /// Verifies a token and reads its claims.
    ///
    /// The key is found by the token's `kid`; a `kid` that no key has is refused at once. A token without a `kid` is
    /// tried with every accepted key of its algorithm. The key dictates the algorithm: `none`, HMAC and any other
    /// algorithm than the key's own are refused before a signature is looked at.
    ///
    /// # Errors
    /// [`Refusal`]; its [`Reason`] is counted in the [`Report`].
    pub fn verify<C: DeserializeOwned>(&self, token: &str, checks: &Checks) -> Result<Verified<C>, Refusal> {
        match self.inner.current.load().verify(token, checks) {
            Ok((claims, key)) => {
                key.tally.count_verified((self.inner.options.clock)());
                Ok(Verified {
                    claims,
                    kid: key.kid.clone(),
                })
            }
            Err(refusal) => {
                self.inner.refusals.count(refusal.reason());
                Err(refusal)
            }
        }
    }

    /// Reads the folder again and swaps the whole set in at once. Doing it twice is doing it once.
    ///
    /// # Errors
    /// [`RingError`]; the set that worked so far stays, and the error is part of the next [`Report`].
    pub fn reload(&self) -> Result<(), RingError> {
        self.reload_locked(&mut self.lock())
    }

    /// Reloads if the folder shows another set than the one that is loaded. Costs two system calls when it does not,
    /// so an application may call it from any timer. Returns whether another set is in use now.
    ///
    /// # Errors
    /// [`RingError`]; the set that worked so far stays, and the next call tries again.
    pub fn reload_if_changed(&self) -> Result<bool, RingError> {
        let mut state = self.lock();
        let found = folder::fingerprint(&self.inner.folder);
        match found {
            Ok(found) if found == state.loaded => {
                state.last_error = None;
                Ok(false)
            }
            Ok(_) => self.reload_locked(&mut state).map(|()| true),
            Err(error) => Err(remember(&mut state, error)),
        }
    }

    fn reload_locked(&self, state: &mut Reloading) -> Result<(), RingError> {
        let previous = self.inner.current.load();
        let now = (self.inner.options.clock)();
        let next = folder::read(&self.inner.folder)
            .and_then(|(files, loaded)| Ok((KeySet::build(files, Some(&previous), now)?, loaded)));
        match next {
            Ok((set, loaded)) => {
                tracing::info!(
                    credential = set.credential(),
                    revision = set.revision(),
                    "key ring loaded"
                );
                self.inner.current.store(Arc::new(set));
                *state = Reloading {
                    loaded,
                    last_error: None,
                };
                Ok(())
            }
            Err(error) => Err(remember(state, error)),
        }
    }

    /// What this instance runs and has seen: the evidence that Keywheel waits for.
    pub fn report(&self) -> Report {
        let last_error = self.lock().last_error.clone();
        report::of(
            &self.inner.current.load(),
            &self.inner.refusals,
            &self.inner.options,
            last_error,
        )
    }

    /// Writes the report to a file, all at once: a reader sees the old report or the new one, never half of one.
    ///
    /// # Errors
    /// The error of the file system; the file is as it was before.
    pub fn write_report(&self, path: &Path) -> std::io::Result<()> {
        self.report().write(path)
    }

    /// Starts a thread that calls [`KeyRing::reload_if_changed`] every `interval` until the handle is stopped or
    /// dropped. With a `report` path it also writes the report there each time.
    pub fn watch(&self, interval: std::time::Duration, report: Option<PathBuf>) -> Watch {
        watch::start(self.clone(), interval, report)
    }

    fn lock(&self) -> MutexGuard<'_, Reloading> {
        // What the lock guards is replaced as a whole, so a panic in another thread cannot have left half of it.
        self.inner.reloading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(state: &mut Reloading, error: RingError) -> RingError {
    let text = error.chain();
    if state.last_error.as_ref() != Some(&text) {
        tracing::warn!(error = text, "key ring not reloaded; the previous keys stay in use");
    }
    state.last_error = Some(text);
    error
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.inner.current.load();
        f.debug_struct("KeyRing")
            .field("folder", &self.inner.folder)
            .field("credential", &set.credential())
            .field("revision", &set.revision())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
