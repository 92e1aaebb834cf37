//! A base image from Debian's packages, for machines that reach no registry.
//!
//! Nothing is installed on this machine: packages are fetched and unpacked into a folder below `target`, what a server does
//! not need is left out, and the engine imports the rest. It works without being root.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use walkdir::WalkDir;

use super::recipe::Recipe;
use crate::engine::Engine;
use crate::process::{self, Output};
use crate::workspace;

/// What the names of base images begin with.
pub(super) const BASE: &str = "keywheel-test-base:";

/// For every image: a shell with the usual small programs, and the time zone data, of which UTC is kept.
const ALWAYS: [&str; 2] = ["busybox", "tzdata"];

/// The users that the servers run as. PostgreSQL refuses to be root.
const USERS: [(&str, u32); 3] = [("root", 0), ("postgres", 70), ("redis", 999)];

/// Makes the base image; returns its name.
pub(super) fn base(engine: Engine, recipe: &Recipe) -> anyhow::Result<String> {
    for (program, version) in [
        ("apt-get", "--version"),
        ("dpkg-deb", "--version"),
        ("tar", "--version"),
    ] {
        if !process::answers(Command::new(program).arg(version)) {
            bail!("without a registry it takes the packages of Debian or Ubuntu, and there is no {program} here");
        }
    }
    let folder = workspace::target_folder()?.join("images").join(recipe.name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let (packages, root, tar) = (folder.join("packages"), folder.join("root"), folder.join("root.tar"));
    fs::create_dir_all(&packages)?;
    let wanted: Vec<_> = recipe.packages.iter().chain(&ALWAYS).copied().collect();
    fetch(&folder, &packages, &wanted)?;
    unpack(&packages, &root)?;
    leave_out(&root)?;
    complete(&root)?;
    let mut pack = Command::new("tar");
    pack.args(["--owner=0", "--group=0", "--numeric-owner", "-C"]);
    silently(pack.arg(&root).arg("-cf").arg(&tar).arg("."))?;
    let name = format!("{BASE}{}", recipe.name);
    engine.run(&["import", &tar.to_string_lossy(), &name])?;
    fs::remove_dir_all(&folder)?;
    Ok(name)
}

/// Fetches the packages with what they need, by the lists of this machine, or by fresh ones where those are missing or old.
fn fetch(folder: &Path, packages: &Path, wanted: &[&str]) -> anyhow::Result<()> {
    if fetch_with(&[], packages, wanted).is_ok() {
        return Ok(());
    }
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    fs::create_dir_all(lists.join("partial"))?;
    fs::create_dir_all(cache.join("archives/partial"))?;
    let lists = format!("Dir::State::lists={}", lists.display());
    let cache = format!("Dir::Cache={}", cache.display());
    let own = ["-o", &lists, "-o", &cache];
    let mut update = apt(&own);
    let run = process::run(update.args(["update", "--quiet"]), Output::OnFailure)?;
    if !run.success {
        bail!("no registry and no package server can be reached");
    }
    fetch_with(&own, packages, wanted)
}

fn fetch_with(options: &[&str], packages: &Path, wanted: &[&str]) -> anyhow::Result<()> {
    let mut plan = apt(options);
    // As if nothing were installed here, or what this machine has would be missing in the image.
    plan.args([
        "-o",
        "Dir::State::status=/dev/null",
        "--simulate",
        "--no-install-recommends",
        "install",
    ]);
    let run = process::run(plan.args(wanted), Output::Keep)?;
    if !run.success {
        bail!("`{}` failed: {}", process::spelled(&plan), run.last_line());
    }
    let mut download = apt(options);
    download.current_dir(packages).arg("download");
    download.args(
        run.lines
            .iter()
            .filter_map(|line| installed(line))
            .filter(|name| is_needed(name)),
    );
    silently(&mut download)
}

fn apt(options: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // The user that it downloads as may not write into our folders.
    command.args(["-o", "APT::Sandbox::User=root"]).args(options);
    command.env("LC_ALL", "C");
    command
}

/// The package that a line of a simulated installation installs.
fn installed(line: &str) -> Option<&str> {
    line.strip_prefix("Inst ")?.split(' ').next()
}

/// True for servers, clients and libraries; false for what maintains a whole system, and for compilers of queries.
fn is_needed(package: &str) -> bool {
    const LARGE: [&str; 9] = [
        "libc-l10n",
        "libdb5",
        "libgdbm",
        "libllvm",
        "libpam-modules",
        "libperl",
        "libsemanage",
        "libsepol",
        "libz3",
    ];
    let versioned = |prefix| {
        let rest: Option<&str> = package.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let library = package.starts_with("lib") && !package.ends_with("-perl");
    let library = library && !LARGE.iter().any(|large| package.starts_with(large));
    let server = versioned("postgresql-") || versioned("postgresql-client-") || package.starts_with("redis-");
    let server = server || package.starts_with("prometheus");
    library || server || package == "zlib1g" || ALWAYS.contains(&package)
}

/// Unpacks every package, with `/bin`, `/lib` and their like as links into `/usr`, as all of Debian has them now.
fn unpack(packages: &Path, root: &Path) -> anyhow::Result<()> {
    for name in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        symlink(format!("usr/{name}"), root.join(name))?;
    }
    for entry in fs::read_dir(packages)? {
        let package = entry?.path();
        extract(&package, root).with_context(|| format!("could not unpack {}", package.display()))?;
    }
    Ok(())
}

/// What `dpkg-deb --extract` does, but that it would put folders where the links are.
fn extract(package: &Path, root: &Path) -> anyhow::Result<()> {
    let mut archive = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--keep-directory-symlink", "--no-same-owner", "-C"])
        .arg(root);
    let unpacked = tar
        .stdin(archive.stdout.take().context("the archive has no output")?)
        .status()?;
    if !archive.wait()?.success() || !unpacked.success() {
        bail!("`{}` failed", process::spelled(&tar));
    }
    Ok(())
}

/// Removes what no server reads.
fn leave_out(root: &Path) -> anyhow::Result<()> {
    for entry in WalkDir::new(root) {
        let entry = entry?;
        let path = entry.path().strip_prefix(root)?.to_string_lossy();
        if !entry.file_type().is_dir() && is_ballast(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// True for what no server reads while it runs.
fn is_ballast(path: &str) -> bool {
    const FOLDERS: [&str; 8] = [
        "/share/doc/",
        "/share/man/",
        "/share/locale/",
        "/share/i18n/",
        "/share/lintian/",
        "/gconv/",
        "/bitcode/",
        "/systemd/",
    ];
    let zone = path.split_once("/zoneinfo/").map(|(_, zone)| zone);
    zone.is_some_and(|zone| zone != "UTC" && zone != "Etc/UTC")
        || path.contains("/llvmjit")
        || FOLDERS.iter().any(|folder| path.contains(folder))
}

/// Adds what the scripts of packages would have made: a shell, users, and one path to whichever version of PostgreSQL it is.
fn complete(root: &Path) -> anyhow::Result<()> {
    symlink("busybox", root.join("usr/bin/sh"))?;
    fs::create_dir_all(root.join("etc"))?;
    let users = USERS.map(|(name, id)| format!("{name}:x:{id}:{id}::/:/bin/sh\n"));
    let groups = USERS.map(|(name, id)| format!("{name}:x:{id}:\n"));
    fs::write(root.join("etc/passwd"), users.concat())?;
    fs::write(root.join("etc/group"), groups.concat())?;
    let versions = root.join("usr/lib/postgresql");
    if versions.exists() {
        let version = fs::read_dir(&versions)?.next().context("PostgreSQL has no version")??;
        symlink(PathBuf::from(version.file_name()), versions.join("current"))?;
    }
    Ok(())
}

fn silently(command: &mut Command) -> anyhow::Result<()> {
    let run = process::run(command, Output::Keep)?;
    if !run.success {
        bail!("`{}` failed: {}", process::spelled(command), run.last_line());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{installed, is_ballast, is_needed};

    #[test]
    fn the_plan_of_an_installation_is_read() {
        assert_eq!(installed("Inst libpq5 (15.18-0 Debian:12 [amd64])"), Some("libpq5"));
        assert_eq!(installed("Conf libpq5 (15.18-0 Debian:12 [amd64])"), None);
        assert_eq!(installed("Reading package lists..."), None);
    }

    #[test]
    fn servers_clients_and_libraries_are_needed() {
        for package in [
            "postgresql-15",
            "postgresql-client-17",
            "redis-tools",
            "libpq5",
            "zlib1g",
            "busybox",
            "libc-bin",
        ] {
            assert!(is_needed(package), "{package}");
        }
    }

    #[test]
    fn what_maintains_a_system_is_not() {
        for package in [
            "postgresql-common",
            "postgresql-client-common",
            "postgresql",
            "perl",
            "libperl5.36",
            "libjson-perl",
            "libllvm14",
            "debconf",
        ] {
            assert!(!is_needed(package), "{package}");
        }
    }

    #[test]
    fn one_time_zone_is_kept_and_no_manual() {
        for kept in [
            "usr/share/zoneinfo/UTC",
            "usr/share/zoneinfo/Etc/UTC",
            "usr/lib/postgresql/15/lib/plpgsql.so",
        ] {
            assert!(!is_ballast(kept), "{kept}");
        }
        for left_out in [
            "usr/share/zoneinfo/Europe/Berlin",
            "usr/share/doc/libpq5/copyright",
            "usr/lib/postgresql/15/lib/llvmjit.so",
        ] {
            assert!(is_ballast(left_out), "{left_out}");
        }
    }
}
