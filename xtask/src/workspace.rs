//! Where the workspace is, and the cargo that built this program.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root folder: the one above this package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package is a folder inside the workspace")
}

/// A call of the same cargo that runs this program, in the workspace's root.
///
/// The variables that `cargo run` sets about this package are taken away, or build scripts would see them change.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root());
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| is_about_this_package(name)) {
        command.env_remove(name);
    }
    // Its output goes through a pipe, but a person may well be looking at the other end.
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// True on a build server, where nobody watches and output is kept.
pub(crate) fn on_build_server() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn is_about_this_package(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || name == "CARGO_BIN_NAME"
            || name == "CARGO_CRATE_NAME"
            || name == "CARGO_PRIMARY_PACKAGE"
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{is_about_this_package, root};

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("Cargo.toml").is_file());
        assert!(root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn what_cargo_says_about_this_package_is_not_handed_on() {
        assert!(is_about_this_package(OsStr::new("CARGO_PKG_VERSION")));
        assert!(is_about_this_package(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!is_about_this_package(OsStr::new("CARGO_TARGET_DIR")));
        assert!(!is_about_this_package(OsStr::new("PATH")));
    }
}
