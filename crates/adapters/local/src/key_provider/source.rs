//! Where a key's bytes come from, and how a key file is made.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keywheel_domain::ports::{Entropy, ErrorKind, PortError};
use zeroize::Zeroizing;

use super::{KEY_LENGTH, Key};
use crate::error::{invalid, storage};
use crate::files;
use crate::private::{self, What};

/// Longer than any key in base64 with its line end.
const TEXT_LIMIT: usize = 128;

const KEY_FILE: What = What {
    name: "the key file",
    stolen: "make a new key",
};

/// Gives the value of an environment variable. The caller reads it, so that one place decides what is read.
pub type ReadVariable<'a> = dyn Fn(&str) -> Option<Zeroizing<String>> + 'a;

/// Makes a key file with mode 0600, all of it or nothing, and returns the key's id. A file that is there already stays.
///
/// # Errors
/// `Conflict` where there is a file already; `Storage`, `Forbidden` or `NotFound` where the folder cannot take one.
pub fn create_key_file(path: &Path, entropy: &dyn Entropy) -> Result<String, PortError> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    entropy.fill(key.as_mut_slice())?;
    let mut text = Zeroizing::new([b'\n'; KEY_LENGTH.div_ceil(3) * 4 + 1]);
    STANDARD
        .encode_slice(key.as_slice(), text.as_mut_slice())
        .expect("the buffer holds four characters for every three bytes");
    let folder = files::parent(path);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| storage("write in", folder, error))?;
    file.write_all(text.as_slice())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| storage("write", path, error))?;
    file.persist_noclobber(path)
        .map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => PortError::permanent(
                ErrorKind::Conflict,
                format!(
                    "{} exists already and is left as it is; use it, or choose another path",
                    path.display()
                ),
            ),
            _ => storage("write", path, failed.error),
        })?;
    files::sync_folder(folder)?;
    Ok(Key::derive(&key).id)
}

/// Reads a key file that nobody else can read or replace.
pub(super) fn from_file(path: &Path) -> Result<Zeroizing<[u8; KEY_LENGTH]>, PortError> {
    let mut text = Zeroizing::new([0; TEXT_LIMIT]);
    let length = private::read(path, KEY_FILE, text.as_mut_slice())?;
    decode(&text[..length], &format!("the key file {}", path.display()))
}

/// Reads a key from the value of an environment variable.
pub(super) fn from_variable(name: &str, variable: &ReadVariable<'_>) -> Result<Zeroizing<[u8; KEY_LENGTH]>, PortError> {
    let value = variable(name).ok_or_else(|| {
        PortError::permanent(
            ErrorKind::NotFound,
            format!("the environment variable {name} is not set; set it to 32 random bytes in base64"),
        )
    })?;
    decode(value.as_bytes(), &format!("the environment variable {name}"))
}

fn decode(text: &[u8], place: &str) -> Result<Zeroizing<[u8; KEY_LENGTH]>, PortError> {
    let mut decoded = Zeroizing::new([0; TEXT_LIMIT]);
    let length = STANDARD
        .decode_slice(text.trim_ascii(), decoded.as_mut_slice())
        .map_err(|_| invalid(format!("{place} does not hold base64; {FIX}")))?;
    let bytes = <&[u8; KEY_LENGTH]>::try_from(&decoded[..length]).map_err(|_| {
        invalid(format!(
            "{place} holds {length} bytes, and a key has {KEY_LENGTH}; {FIX}"
        ))
    })?;
    Ok(Zeroizing::new(*bytes))
}

const FIX: &str = "make a key with `openssl rand -base64 32`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_base64_and_white_space_around_it_is_passed_over() {
        let text = STANDARD.encode([5; KEY_LENGTH]);
        for text in [text.clone(), format!("{text}\n"), format!("  {text}\r\n")] {
            assert_eq!(*decode(text.as_bytes(), "x").unwrap(), [5; KEY_LENGTH]);
        }
    }

    #[test]
    fn anything_else_is_refused_without_showing_it() {
        for (text, why) in [
            (STANDARD.encode([5; 31]), "holds 31 bytes"),
            (STANDARD.encode([5; 33]), "holds 33 bytes"),
            (String::new(), "holds 0 bytes"),
            ("not*base64*but*secret".to_owned(), "does not hold base64"),
        ] {
            let refused = decode(text.as_bytes(), "the key file k").unwrap_err();
            assert!(refused.message().contains(why), "{}", refused.message());
            assert!(text.is_empty() || !refused.chain().contains(&text));
        }
    }
}
