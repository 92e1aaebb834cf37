//! A secret store of files in one folder, written as the kubelet writes mounted secrets: consumers see all files of one
//! delivery or all files of the next, and never some of each.

mod aside;
mod atomic;
mod check;
mod folder;
mod marker;
mod owner;
mod preset;
mod set;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Clock, Delivery, ErrorKind, Finding, PortError, SecretStore};
use keywheel_domain::view::View;
use tokio::task::spawn_blocking;

use crate::config::{FileStoreConfig, Surroundings};
use crate::error::lost;
use crate::shred;

use folder::{Folder, Lock, Shown};
use marker::Marker;
use set::{SetFile, Specs};

/// How long replaced files stay as they are: whoever opened them just before the swap reads them to the end, because bytes
/// that are overwritten change under a reader.
const LINGER: SignedDuration = SignedDuration::from_millis(250);

/// Files in a folder. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    folder: Folder,
    specs: Specs,
    replace_existing: Option<bool>,
}

/// A delivery that is visible, and what it left to destroy.
struct Visible {
    files: Vec<String>,
    kept: Vec<PathBuf>,
    leftovers: Vec<PathBuf>,
    lock: Lock,
}

impl FileStore {
    /// Reads templates and looks up owners; touches nothing in the store's folder.
    ///
    /// # Errors
    /// `Invalid` for entries that contradict each other, names that cannot be, templates that do not compile and owners that
    /// nobody knows; `NotFound` for a template file that is not there.
    pub fn new(config: &FileStoreConfig, surroundings: &Surroundings) -> Result<Self, PortError> {
        let path = surroundings.base.join(&config.folder);
        let inner = Inner {
            name: config.name.clone().unwrap_or_else(|| path.display().to_string()),
            folder: Folder {
                path,
                mode: config.folder_mode.map(|mode| mode.0),
                owner: owner::resolve(config.owner.as_deref(), config.group.as_deref())?,
            },
            specs: Specs::new(config, &surroundings.base)?,
            replace_existing: config.replace_existing,
        };
        Ok(Self {
            inner: Arc::new(inner),
            clock: Arc::clone(&surroundings.clock),
        })
    }
}

#[async_trait]
impl SecretStore for FileStore {
    fn name(&self) -> &str {
        &self.inner.name
    }

    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        let inner = Arc::clone(&self.inner);
        spawn_blocking(move || check::findings(&inner)).await.map_err(lost)?
    }

    async fn deliver(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Evidence, PortError> {
        let (inner, wanted, expected) = (Arc::clone(&self.inner), delivery.clone(), expected.cloned());
        let shown = spawn_blocking(move || inner.show(&wanted, expected.as_ref()));
        let Visible {
            files,
            kept,
            leftovers,
            lock,
        } = shown.await.map_err(lost)??;
        tracing::info!(store = self.name(), credential = %delivery.credential, view = %delivery.view, "delivered");
        if !leftovers.is_empty() {
            self.clock.sleep(LINGER).await;
            let destroyed = spawn_blocking(move || destroy(&leftovers, lock)).await.map_err(lost)?;
            destroyed.map_err(PortError::with_unknown_effect)?;
        }
        let folder = self.inner.folder.path.display();
        let mut detail = format!("{} in {folder}: {}", delivery.view, files.join(", "));
        for kept in kept {
            detail.push_str(&format!("; what was there is kept as {}", kept.display()));
        }
        Ok(Evidence::new(EvidenceKind::Delivered, self.name(), detail))
    }

    async fn read_back(&self, credential: &CredentialName) -> Result<Option<View>, PortError> {
        let folder = self.inner.folder.clone();
        let shown = spawn_blocking(move || folder.shown()).await.map_err(lost)??;
        Ok(match shown {
            Shown::Ours { marker, .. } if marker.credential == *credential => Some(marker.view()),
            Shown::Ours { .. } | Shown::Nothing | Shown::Foreign => None,
        })
    }
}

impl Inner {
    fn show(&self, delivery: &Delivery, expected: Option<&View>) -> Result<Visible, PortError> {
        let set = self.specs.render(delivery)?;
        self.folder.ensure()?;
        let lock = self.folder.lock()?;
        let marker = Marker::of(delivery);
        let replace = self.replace_existing.unwrap_or(delivery.rotation.is_none());
        let shown = self.folder.shown()?;
        let kept = match self.compare(&shown, delivery, expected)? {
            Some(data) if atomic::is_whole(&self.folder, data, &set)? => {
                atomic::finish_links(&self.folder, &set, replace)?
            }
            _ => atomic::write(&self.folder, &set, &marker, replace)?,
        };
        Ok(Visible {
            files: names(&set),
            kept,
            leftovers: self.folder.leftovers().map_err(PortError::with_unknown_effect)?,
            lock,
        })
    }

    /// The folder of the delivery where it is shown already; `None` where it may be written.
    fn compare<'a>(
        &self,
        shown: &'a Shown,
        delivery: &Delivery,
        expected: Option<&View>,
    ) -> Result<Option<&'a PathBuf>, PortError> {
        let path = self.folder.path.display();
        let conflict = |found: String| {
            let wanted = expected.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            let message = format!(
                "{path} was expected to show {wanted} and shows {found}; find out who else writes there before you go on"
            );
            Err(PortError::permanent(ErrorKind::Conflict, message))
        };
        match shown {
            Shown::Nothing if expected.is_none() => Ok(None),
            Shown::Nothing => conflict("nothing".to_owned()),
            Shown::Foreign => conflict("a delivery that Keywheel did not write".to_owned()),
            Shown::Ours { marker, .. } if marker.credential != delivery.credential => {
                conflict(format!("the credential {}", marker.credential))
            }
            Shown::Ours { marker, data } if marker.view() == delivery.view => Ok(Some(data)),
            Shown::Ours { marker, .. } if Some(&marker.view()) == expected => Ok(None),
            Shown::Ours { marker, .. } => conflict(marker.view().to_string()),
        }
    }
}

fn names(set: &[SetFile]) -> Vec<String> {
    set.iter().map(|file| file.name.clone()).collect()
}

/// Destroys what earlier deliveries left. The lock is held until that is done.
fn destroy(leftovers: &[PathBuf], lock: Lock) -> Result<(), PortError> {
    for path in leftovers {
        if path.is_dir() {
            shred::folder(path)?;
        } else {
            shred::file(path)?;
        }
    }
    drop(lock);
    Ok(())
}
