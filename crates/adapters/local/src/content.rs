//! Whether a file holds what somebody else holds, too, so that nothing is lost with it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keywheel_domain::material::Material;
use zeroize::Zeroizing;

/// A larger file is no credential.
const LIMIT: u64 = 1024 * 1024;

/// What is in a plain file; `None` where it is none, or too large to be a credential. Never follows a symbolic link.
pub(crate) fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    if !found.is_file() || found.len() > LIMIT {
        return Ok(None);
    }
    // Memory of that very size: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(found.len() as usize + 1));
    File::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Whether both are the same but for the space around them, or the same key in another wrapping: PKCS#1 is the end of PKCS#8.
pub(crate) fn same(found: &[u8], ours: &[u8]) -> bool {
    let by_wrapping = || Some(pem(ours)?.ends_with(&pem(found)?));
    found.trim_ascii() == ours.trim_ascii() || by_wrapping().unwrap_or(false)
}

/// A shorter field is in too many files by chance.
const TELLING: usize = 8;

/// Whether a file is one field of the material, or has all of them in it that tell it from others.
pub(crate) fn holds(found: &[u8], material: &Material) -> bool {
    let fields = || material.fields().map(|(_, secret)| secret.expose().trim_ascii());
    let mut telling = fields().filter(|field| field.len() >= TELLING).peekable();
    let has = |field: &[u8]| found.windows(field.len()).any(|part| part == field);
    fields().any(|field| same(found, field)) || (telling.peek().is_some() && telling.all(has))
}

/// What is in the only block of a PEM file.
fn pem(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let body = text.strip_prefix("-----BEGIN ")?.split_once("-----")?.1;
    let (body, end) = body.split_once("-----END ")?;
    let mut packed = Zeroizing::new(Vec::with_capacity(body.len()));
    packed.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let one_block = end.ends_with("-----") && end.matches("-----").count() == 1;
    let content = STANDARD.decode(packed.as_slice()).ok().map(Zeroizing::new)?;
    (one_block && !content.is_empty()).then_some(content)
}

#[cfg(test)]
mod tests {
    use keywheel_domain::material::Secret;

    use super::*;

    fn wrapped(label: &str, content: &[u8]) -> Vec<u8> {
        let body = STANDARD.encode(content);
        let (first, rest) = body.split_at(body.len() / 2);
        format!("-----BEGIN {label}-----\n{first}\r\n{rest}\n-----END {label}-----\n").into_bytes()
    }

    #[test]
    fn space_around_and_another_wrapping_make_no_difference() {
        let (inner, outer) = (
            b"the numbers of a key".as_slice(),
            b"version, kind; the numbers of a key",
        );
        let ours = wrapped("PRIVATE KEY", outer);
        for found in [
            ours.clone(),
            wrapped("RSA PRIVATE KEY", inner),
            [b"\n ".as_slice(), &ours].concat(),
        ] {
            assert!(same(&found, &ours), "{}", String::from_utf8_lossy(&found));
        }
        assert!(same(b"secret", b"secret\n"));
    }

    #[test]
    fn a_file_holds_a_material_with_all_that_tells_it_from_others() {
        let secret = |text: &str| Secret::new(Zeroizing::new(text.as_bytes().to_vec()));
        let material =
            Material::single("password", secret("long and secret")).with("username", secret("application_a"));
        for (found, held) in [
            ("long and secret\n", true),
            ("user: application_a\npassword: long and secret\n", true),
            ("user: application_a\npassword: another secret\n", false),
            ("", false),
        ] {
            assert_eq!(holds(found.as_bytes(), &material), held, "{found}");
        }
        assert!(!holds(b"x: a", &Material::single("password", secret("a"))));
    }

    #[test]
    fn another_secret_a_part_of_one_and_two_blocks_are_not_the_same() {
        let ours = wrapped("PRIVATE KEY", b"version, kind; the numbers of a key");
        let other = wrapped("RSA PRIVATE KEY", b"the numbers of another");
        for found in [
            other.clone(),
            [ours.clone(), other].concat(),
            b"key".to_vec(),
            Vec::new(),
        ] {
            assert!(!same(&found, &ours), "{}", String::from_utf8_lossy(&found));
        }
        assert!(!same(b"hunter2", b"hunter22"));
    }
}
