use std::path::PathBuf;

use serde::Deserialize;

use super::Mode;

/// A secret store of files in one folder, which change all at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileStoreConfig {
    /// The store's name for people; the folder's path where it has none.
    pub name: Option<String>,
    /// The folder that consumers read. It is created where its parent exists.
    pub folder: PathBuf,
    /// The mode of the folder where it is created (0750 without it), and of the folders of each delivery in it.
    pub folder_mode: Option<Mode>,
    /// The user who owns everything that is written, by name or number; the folder's owner without it.
    pub owner: Option<String>,
    /// The group of everything that is written, by name or number; the folder's group without it.
    pub group: Option<String>,
    /// A ready-made set of files.
    pub preset: Option<Preset>,
    /// The files to write, beside the preset's.
    #[serde(default, rename = "file")]
    pub files: Vec<FileEntry>,
    /// Whether a file of somebody else in the place of one of ours is replaced. Without it: in an adoption only.
    pub replace_existing: Option<bool>,
}

/// A ready-made set of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// A JWT key ring for signers: `keyring.json`, `jwks.json`, `jwt_private.pem`, `jwt_public.pem`, and
    /// `jwt_public_<version>.pem` for every accepted key.
    KeyRing,
    /// The same without the private key, for those that only verify.
    VerifiersOnly,
}

/// One file, or one file for every accepted version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The file's name in the folder. With `each` it is a template, such as `jwt_public_{{ version.number }}.pem`.
    pub path: String,
    /// What to write. Either this or `template_file`.
    pub template: Option<String>,
    /// A file that holds the template.
    pub template_file: Option<PathBuf>,
    /// Writes the file once for every accepted version, which the template knows as `version`.
    pub each: Option<Each>,
    /// The file's mode. Without it: 0600 where the template uses a secret field, 0644 elsewhere.
    pub mode: Option<Mode>,
    /// The file's owner, where it differs from the store's.
    pub owner: Option<String>,
    /// The file's group, where it differs from the store's.
    pub group: Option<String>,
}

/// For what a file is written once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Every version that the view accepts.
    Accepted,
}
