//! The files of one delivery, in memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use keywheel_domain::ports::{Delivery, PortError};
use keywheel_domain::template::{Scope, Template};
use zeroize::Zeroizing;

use super::marker::MARKER;
use super::{owner, preset};
use crate::config::{Each, FileEntry, FileStoreConfig};
use crate::error::{invalid, storage};
use crate::files::Owner;

const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
/// Leaves room for what temporary names add.
const NAME_LIMIT: usize = 200;

/// What to write, as the configuration says it.
#[derive(Debug)]
pub(super) struct Specs(Vec<Spec>);

#[derive(Debug)]
struct Spec {
    name: Template,
    /// The name itself, where it is the same in every delivery.
    fixed: Option<String>,
    content: Template,
    each: Option<Each>,
    mode: Option<u32>,
    owner: Owner,
}

/// One file of a delivery.
#[derive(Debug)]
pub(super) struct SetFile {
    pub(super) name: String,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) mode: u32,
    pub(super) owner: Owner,
}

impl Specs {
    /// Checks everything that can be known before a delivery.
    pub(super) fn new(config: &FileStoreConfig, base: &Path) -> Result<Self, PortError> {
        let mut entries = config.preset.map(preset::entries).unwrap_or_default();
        entries.extend(config.files.iter().cloned());
        if entries.is_empty() {
            return Err(invalid(format!(
                "the store {} writes nothing; give it a `preset` or a `[[file]]`",
                config.folder.display()
            )));
        }
        let specs = Self(
            entries
                .iter()
                .map(|entry| spec(entry, base))
                .collect::<Result<_, _>>()?,
        );
        let names: Vec<&str> = specs.fixed_names().collect();
        match names
            .iter()
            .enumerate()
            .find(|(place, name)| names[..*place].contains(name))
        {
            Some((_, name)) => Err(written_twice(name)),
            None => Ok(specs),
        }
    }

    /// The names that every delivery has.
    pub(super) fn fixed_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|spec| spec.fixed.as_deref())
    }

    /// Renders every file of the delivery. Touches no disk.
    pub(super) fn render(&self, delivery: &Delivery) -> Result<Vec<SetFile>, PortError> {
        let scope = Scope::of(delivery)?;
        let mut files = Vec::new();
        for spec in &self.0 {
            match spec.each {
                None => files.push(spec.render(&scope)?),
                Some(Each::Accepted) => {
                    for scope in scope.for_each_accepted() {
                        files.push(spec.render(&scope)?);
                    }
                }
            }
        }
        let mut names = BTreeSet::new();
        match files.iter().find(|file| !names.insert(file.name.as_str())) {
            Some(file) => Err(written_twice(&file.name)),
            None => Ok(files),
        }
    }
}

fn spec(entry: &FileEntry, base: &Path) -> Result<Spec, PortError> {
    let source = match (&entry.template, &entry.template_file) {
        (Some(template), None) => template.clone(),
        (None, Some(file)) => {
            let path = base.join(file);
            fs::read_to_string(&path).map_err(|error| storage("read the template", &path, error))?
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(format!(
                "the file {:?} needs either `template` or `template_file`, and not both",
                entry.path
            )));
        }
    };
    let fixed = (entry.each.is_none() && !entry.path.contains('{')).then(|| entry.path.clone());
    if let Some(name) = &fixed {
        check_name(name)?;
    }
    Ok(Spec {
        name: Template::new(&entry.path, &entry.path)?,
        fixed,
        content: Template::new(&entry.path, &source)?,
        each: entry.each,
        mode: entry.mode.map(|mode| mode.0),
        owner: owner::resolve(entry.owner.as_deref(), entry.group.as_deref())?,
    })
}

impl Spec {
    fn render(&self, scope: &Scope) -> Result<SetFile, PortError> {
        // Anybody can read a name, so a name knows no secret field.
        let name = self.name.render(&scope.public())?;
        let name = std::str::from_utf8(&name.bytes).map_err(|_| invalid("a file name is not text"))?;
        check_name(name)?;
        let content = self.content.render(scope)?;
        let usual = if content.secret { SECRET_MODE } else { PUBLIC_MODE };
        let mode = self.mode.unwrap_or(usual);
        if content.secret && mode & 0o007 != 0 {
            return Err(invalid(format!(
                "the file {name} holds a secret field, and its mode {mode:04o} lets everybody read it; use 0600, or 0640 with a group"
            )));
        }
        Ok(SetFile {
            name: name.to_owned(),
            bytes: content.bytes,
            mode,
            owner: self.owner,
        })
    }
}

/// A plain name in the folder that is not one of the writer's own.
fn check_name(name: &str) -> Result<(), PortError> {
    let problem = if name.is_empty() || name == "." {
        "is no file name"
    } else if name.starts_with("..") {
        "begins with `..`, as the store's own files do"
    } else if name == MARKER {
        "is the name of the store's own marker"
    } else if name.contains(['/', '\0', '\n']) {
        "has a `/` or a line end in it; a store writes into one folder"
    } else if name.len() > NAME_LIMIT {
        "is longer than 200 bytes"
    } else {
        return Ok(());
    };
    Err(invalid(format!("the file name {name:?} {problem}; choose another one")))
}

fn written_twice(name: &str) -> PortError {
    invalid(format!(
        "two entries write the file {name}; give one of them another name"
    ))
}
