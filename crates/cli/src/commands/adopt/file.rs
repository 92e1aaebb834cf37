//! Reading the file of a secret.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::exit::{Exit, Problem};

/// What is looked for in a file, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Such as `key`.
    pub(super) what: &'static str,
    /// What to name instead of something that is none.
    pub(super) file: &'static str,
    /// What to do where there is none.
    pub(super) missing: &'static str,
}

/// No secret is longer; what is, is something else that was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// The file's bytes, in memory that is wiped, and when it was written.
pub(super) fn read(path: &Path, wanted: Wanted) -> anyhow::Result<(Zeroizing<Vec<u8>>, Timestamp)> {
    let explain = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!("there is no {} at {}; {}", wanted.what, path.display(), wanted.missing),
        ErrorKind::PermissionDenied => format!("{} cannot be read; run this as a user who may", path.display()),
        _ => format!("{} cannot be read", path.display()),
    };
    let mut file = File::open(path).map_err(|error| {
        let said = explain(&error);
        anyhow::Error::from(error).context(said)
    })?;
    let found = file
        .metadata()
        .with_context(|| format!("{} cannot be read", path.display()))?;
    if !found.is_file() || found.len() > LONGEST {
        return Err(Problem::new(
            Exit::Failed,
            format!("{} is no {} file; name {}", path.display(), wanted.what, wanted.file),
        )
        .into());
    }
    // With its full size from the start: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default() + 1));
    file.read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let written = Timestamp::from_second(found.mtime()).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok((bytes, written))
}
