//! A signing key that exists: the files of its two halves.

use std::path::{Path, PathBuf};

use anyhow::Context;
use zeroize::Zeroizing;

use super::Existing;
use super::file::{self, Wanted};
use crate::args::AdoptArgs;
use crate::config::{CredentialConfig, StoreConfig};
use crate::exit::Problem;
use crate::wire::Session;

const KEY: Wanted = Wanted {
    what: "key",
    file: "the PEM file itself",
    missing: "name the file with --private-key, or make a first key with --create",
};

/// The key that the arguments name, or else the configuration, or else the one in the first store.
pub(super) fn read(session: &Session, configured: &CredentialConfig, args: &AdoptArgs) -> anyhow::Result<Existing> {
    let private = args
        .private_key
        .clone()
        .or_else(|| usual_file(configured, &session.config.base));
    let private = private.ok_or_else(|| {
        Problem::usage(
            "nothing says where the existing key is; name it with --private-key, or add `[credential.existing]`",
        )
    })?;
    let named = args
        .public_key
        .clone()
        .or_else(|| configured.existing.public_key.clone());
    let (pem, written) = file::read(&private, KEY)?;
    let public = match named {
        Some(path) => Some(file::read(&path, KEY)?.0),
        None => beside(&private)?,
    };
    let key_ring = session.key_ring(&args.credential)?;
    let material = key_ring
        .adopt(&pem, public.as_deref().map(Vec::as_slice))
        .with_context(|| format!("{} cannot be adopted", private.display()))?;
    Ok(Existing {
        material,
        origin: private.display().to_string(),
        written: Some(written),
    })
}

fn usual_file(credential: &CredentialConfig, base: &Path) -> Option<PathBuf> {
    let in_store = || {
        let folder = credential.stores.first().and_then(StoreConfig::folder);
        folder.map(|folder| base.join(folder).join("jwt_private.pem"))
    };
    credential.existing.private_key.clone().or_else(in_store)
}

/// `jwt_public.pem` beside the private key, where there is one.
fn beside(private: &Path) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    let path = private.with_file_name("jwt_public.pem");
    if private.ends_with("jwt_private.pem") && path.exists() {
        return Ok(Some(file::read(&path, KEY)?.0));
    }
    Ok(None)
}
