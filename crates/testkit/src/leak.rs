//! The leak hunter: plants secrets that exist nowhere else, and searches everything that was written for them.

mod forms;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use keywheel_domain::material::{Material, Secret};
use zeroize::Zeroizing;

use crate::world::fnv1a;
use forms::Form;

/// What every secret of the simulated company begins with, so that one cheap search finds any of them.
pub const MARK: &str = "kwcanary";

/// A secret that was found where it must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Which secret.
    pub secret: String,
    /// Where: a file, a stream, a variable.
    pub place: String,
    /// At which byte of it.
    pub offset: usize,
    /// In which form: as it is, in hexadecimal, in base64, ...
    pub form: &'static str,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            secret,
            place,
            offset,
            form,
        } = self;
        write!(f, "{secret} is in {place} at byte {offset}, {form}")
    }
}

/// Searches for planted secrets, and for parts of them from 12 bytes on, as they are and in every usual encoding.
///
/// It remembers hashes of those parts and not the secrets themselves. With 64 bits, an innocent text that looks like a part of
/// one is rarer than a broken disk.
#[derive(Default)]
pub struct LeakHunter {
    /// Which secret, and in which form.
    prey: Vec<(String, &'static str)>,
    /// By their length: the hashes of all parts, and whose they are.
    parts: BTreeMap<usize, HashMap<u64, usize>>,
}

impl LeakHunter {
    /// A hunter that searches for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a secret that exists nowhere else, and searches for it from now on. The same seed makes the same secret.
    pub fn plant(&mut self, name: &str, seed: u64) -> Secret {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = Zeroizing::new(Vec::with_capacity(MARK.len() + 24));
        bytes.extend_from_slice(MARK.as_bytes());
        bytes.extend(std::iter::repeat_with(|| rng.alphanumeric() as u8).take(24));
        self.hunt_for(name, &bytes);
        Secret::new(bytes)
    }

    /// Searches for every field of the material from now on.
    pub fn hunt_for_material(&mut self, name: &str, material: &Material) {
        for (field, secret) in material.fields() {
            self.hunt_for(&format!("{name}.{field}"), secret.expose());
        }
    }

    /// Searches for the secret from now on. A PEM is searched for by the lines of its body and by the bytes that they encode;
    /// its armour is no secret.
    pub fn hunt_for(&mut self, name: &str, secret: &[u8]) {
        for Form { name: form, text, part } in forms::all(secret) {
            let length = part.min(text.len());
            let whose = self.prey.len();
            self.prey.push((name.to_owned(), form));
            let known = self.parts.entry(length).or_default();
            for window in text.windows(length) {
                known.entry(fnv1a(window)).or_insert(whose);
            }
        }
    }

    /// What is public may be found anywhere: every part of a secret that also stands in it is searched for no longer, such as
    /// the modulus of a private key.
    pub fn excuse(&mut self, public: &[u8]) {
        for Form { text, .. } in forms::all(public) {
            for (length, known) in &mut self.parts {
                for window in text.windows(*length) {
                    known.remove(&fnv1a(window));
                }
            }
        }
    }

    /// Searches some bytes; `place` is what they are called in the findings. One finding for each secret and form.
    pub fn search(&self, place: &str, haystack: &[u8]) -> Vec<Leak> {
        let mut found = BTreeSet::new();
        let mut leaks = Vec::new();
        for (length, known) in &self.parts {
            for (offset, window) in haystack.windows(*length).enumerate() {
                let Some(whose) = known.get(&fnv1a(window)) else {
                    continue;
                };
                if found.insert(*whose) {
                    let (secret, form) = &self.prey[*whose];
                    leaks.push(Leak {
                        secret: secret.clone(),
                        place: place.to_owned(),
                        offset,
                        form,
                    });
                }
            }
        }
        leaks
    }

    /// Searches a file, or a folder with everything below it: contents and names. Links are not followed.
    ///
    /// # Errors
    /// Where something cannot be read: what was not searched was not found clean.
    pub fn search_path(&self, path: &Path) -> io::Result<Vec<Leak>> {
        let place = path.display().to_string();
        let mut leaks = self.search(&format!("the name of {place}"), place.as_bytes());
        let kind = fs::symlink_metadata(path)?.file_type();
        if kind.is_dir() {
            for entry in fs::read_dir(path)? {
                leaks.extend(self.search_path(&entry?.path())?);
            }
        } else if kind.is_file() {
            leaks.extend(self.search(&place, &fs::read(path)?));
        }
        Ok(leaks)
    }
}

impl fmt::Debug for LeakHunter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.prey.iter().map(|(secret, _)| secret))
            .finish()
    }
}

#[cfg(test)]
mod tests;
