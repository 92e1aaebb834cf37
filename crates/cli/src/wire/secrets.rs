//! Secrets of Keywheel's own.

use std::sync::Arc;

use keywheel_domain::ports::SecretSource;
use keywheel_local::{SecretFile, SecretVariable};

use crate::config::SecretPlace;
use crate::surroundings;

/// What reads a secret of Keywheel's own.
pub(super) fn secret_source(place: Option<&SecretPlace>) -> Option<Arc<dyn SecretSource>> {
    place.map(|place| match place {
        SecretPlace::File(path) => Arc::new(SecretFile::new(path.clone())) as Arc<dyn SecretSource>,
        SecretPlace::Variable(name) => Arc::new(SecretVariable::new(name, surroundings::variable(name))),
    })
}
