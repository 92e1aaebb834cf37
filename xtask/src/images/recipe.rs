//! What an image is made from.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::workspace;

/// How one image is made.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The server, and the folder of what is ours in its image.
    pub(super) name: &'static str,
    /// The name of the image, with the version of what tests expect of it.
    pub(super) image: String,
    /// The image that its makers publish.
    pub(super) official: &'static str,
    /// The packages of Debian that hold the server.
    pub(super) packages: &'static [&'static str],
    /// Changes with everything that the image is made from.
    pub(super) digest: String,
}

const FOLDER: &str = "crates/testkit/images";

/// Every image that tests use.
pub(super) fn all() -> anyhow::Result<[Recipe; 4]> {
    Ok([
        Recipe::new(
            "alertmanager",
            "prom/alertmanager:v0.28.1",
            &["prometheus-alertmanager"],
        )?,
        Recipe::new("postgres", "postgres:15-alpine", &["postgresql"])?,
        Recipe::new("prometheus", "prom/prometheus:v3.5.0", &["prometheus"])?,
        Recipe::new("redis", "redis:7-alpine", &["redis-server", "redis-sentinel"])?,
    ])
}

impl Recipe {
    fn new(name: &'static str, official: &'static str, packages: &'static [&'static str]) -> anyhow::Result<Self> {
        let folder = workspace::root().join(FOLDER);
        let version = std::fs::read_to_string(folder.join("version")).context("the version of the images")?;
        // How packages become an image is part of the recipe, too.
        let mut parts = vec![official.as_bytes().to_vec(), include_bytes!("debian.rs").to_vec()];
        parts.extend(contents(&folder.join(name))?);
        Ok(Self {
            name,
            image: format!("keywheel-test-{name}:{}", version.trim()),
            official,
            packages,
            digest: digest(&parts),
        })
    }

    /// The folder of what is ours in the image.
    pub(super) fn folder(&self) -> PathBuf {
        workspace::root().join(FOLDER).join(self.name)
    }
}

/// The contents of the files in a folder, in the order of their names.
fn contents(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    paths.iter().map(|path| Ok(std::fs::read(path)?)).collect()
}

/// FNV-1a: it tells one recipe from the next, and protects nothing.
fn digest(parts: &[Vec<u8>]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.iter().copied().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::{all, digest};

    #[test]
    fn every_image_has_a_folder_with_its_dockerfile() {
        for recipe in all().unwrap() {
            assert!(recipe.folder().join("Dockerfile").is_file(), "{recipe:?}");
            assert!(recipe.image.starts_with("keywheel-test-"), "{recipe:?}");
        }
    }

    #[test]
    fn a_digest_changes_with_every_part_and_with_their_borders() {
        let of = |parts: &[&str]| digest(&parts.iter().map(|part| part.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab", "c"]), of(&["ab", "d"]));
    }
}
