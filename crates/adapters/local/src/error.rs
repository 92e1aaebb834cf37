//! The one map from the errors of the file system and of processes to [`PortError`].

use std::io;
use std::path::Path;

use keywheel_domain::ports::{ErrorKind, PortError};

/// An error of the file system: what was being done to which path, and what to do about it. Certainly no effect.
pub(crate) fn storage(doing: &str, path: &Path, error: io::Error) -> PortError {
    let (kind, passes, fix) = advice(error.kind());
    let message = format!("cannot {doing} {}: {fix}", path.display());
    let failed = if passes {
        PortError::transient(kind, message)
    } else {
        PortError::permanent(kind, message)
    };
    failed.caused_by(error)
}

fn advice(kind: io::ErrorKind) -> (ErrorKind, bool, &'static str) {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => (
            ErrorKind::Storage,
            true,
            "there is no room left; free some there and try again",
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::Storage,
            false,
            "it is on a read-only file system; mount it writable or choose another folder",
        ),
        io::ErrorKind::PermissionDenied => (
            ErrorKind::Forbidden,
            false,
            "the user that Keywheel runs as may not; give it the right, or run Keywheel as another user",
        ),
        io::ErrorKind::NotFound => (
            ErrorKind::NotFound,
            false,
            "it does not exist, or a folder above it does not; create it or correct the path",
        ),
        io::ErrorKind::NotADirectory => (
            ErrorKind::Storage,
            false,
            "a file is in the place of a folder; move the file away or correct the path",
        ),
        io::ErrorKind::IsADirectory => (
            ErrorKind::Storage,
            false,
            "a folder is in the place of a file; move the folder away or correct the path",
        ),
        _ => (ErrorKind::Storage, true, "the file system refused; see the cause"),
    }
}

/// A configuration that cannot be meant. Certainly no effect.
pub(crate) fn invalid(message: impl Into<String>) -> PortError {
    PortError::permanent(ErrorKind::Invalid, message)
}

/// Something over HTTP in a build that cannot do it. Certainly no effect.
#[cfg(not(feature = "http"))]
pub(crate) fn without_http(name: &str) -> PortError {
    let message = format!("{name} needs HTTP, and this Keywheel was built without it; use a command or another build");
    PortError::permanent(ErrorKind::Unsupported, message)
}

/// A task that was cancelled or panicked: what it did is not known.
pub(crate) fn lost(error: tokio::task::JoinError) -> PortError {
    PortError::transient(
        ErrorKind::Internal,
        "the work on files did not come to its end; please report this",
    )
    .with_unknown_effect()
    .caused_by(error)
}

#[cfg(test)]
mod tests {
    use keywheel_domain::ports::{Effect, Retry};

    use super::*;

    fn map(kind: io::ErrorKind) -> PortError {
        storage("write", Path::new("/secrets/jwt.pem"), kind.into())
    }

    #[test]
    fn a_full_disk_may_pass_and_names_the_path_and_the_fix() {
        let full = map(io::ErrorKind::StorageFull);
        assert_eq!(
            (full.kind, full.retry, full.effect),
            (ErrorKind::Storage, Retry::Later, Effect::None)
        );
        assert_eq!(
            full.message(),
            "cannot write /secrets/jwt.pem: there is no room left; free some there and try again"
        );
    }

    #[test]
    fn what_somebody_has_to_mend_is_not_tried_again() {
        for (kind, expected) in [
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Storage),
            (io::ErrorKind::PermissionDenied, ErrorKind::Forbidden),
            (io::ErrorKind::NotFound, ErrorKind::NotFound),
            (io::ErrorKind::NotADirectory, ErrorKind::Storage),
        ] {
            let mapped = map(kind);
            assert_eq!((mapped.kind, mapped.retry), (expected, Retry::Never), "{kind:?}");
        }
    }

    #[test]
    fn the_cause_is_said_once() {
        let chain = map(io::ErrorKind::PermissionDenied).chain();
        assert_eq!(chain.matches("permission denied").count(), 1, "{chain}");
    }
}
