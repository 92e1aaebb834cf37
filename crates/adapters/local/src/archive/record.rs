//! A sealed copy as a file.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{ErrorKind, PortError, SealedMaterial};
use serde::{Deserialize, Serialize};

/// The form that this version writes and reads.
const SCHEMA: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    schema: u32,
    version: VersionId,
    key_id: String,
    /// This and the rest in base64.
    wrapped_key: String,
    nonce: String,
    ciphertext: String,
}

/// The file of a version. `=` is in no credential's name, so no two versions share a file, and it fits into 255 bytes.
pub(super) fn file_name(id: &VersionId) -> String {
    format!("{}.v{}.json", id.credential.as_str().replace('/', "="), id.number)
}

pub(super) fn encode(id: &VersionId, sealed: &SealedMaterial) -> Vec<u8> {
    let record = Record {
        schema: SCHEMA,
        version: id.clone(),
        key_id: sealed.key_id.clone(),
        wrapped_key: STANDARD.encode(&sealed.wrapped_key),
        nonce: STANDARD.encode(&sealed.nonce),
        ciphertext: STANDARD.encode(&sealed.ciphertext),
    };
    serde_json::to_vec_pretty(&record).expect("text and numbers are always JSON")
}

pub(super) fn decode(id: &VersionId, bytes: &[u8], path: &Path) -> Result<SealedMaterial, PortError> {
    let damaged = || {
        let message = format!(
            "{} is not a sealed copy of {id} that this version of Keywheel can read; restore it from a backup, or move it away to have it written again",
            path.display()
        );
        PortError::permanent(ErrorKind::Storage, message)
    };
    let record: Record = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    if record.schema != SCHEMA || record.version != *id {
        return Err(damaged());
    }
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    Ok(SealedMaterial {
        wrapped_key: bytes(&record.wrapped_key)?,
        nonce: bytes(&record.nonce)?,
        ciphertext: bytes(&record.ciphertext)?,
        key_id: record.key_id,
    })
}

#[cfg(test)]
mod tests {
    use keywheel_domain::id::VersionNumber;

    use super::*;

    fn id(credential: &str, number: u64) -> VersionId {
        VersionId {
            credential: credential.parse().unwrap(),
            number: VersionNumber(number),
        }
    }

    const FIRST_FORM: &str = r#"{"schema":1,"version":{"credential":"goimg/jwt","number":3},"key_id":"k1",
        "wrapped_key":"AQ==","nonce":"Ag==","ciphertext":"AwQ="}"#;

    #[test]
    fn the_first_form_is_read_for_ever() {
        let sealed = decode(&id("goimg/jwt", 3), FIRST_FORM.as_bytes(), Path::new("x")).unwrap();
        assert_eq!(
            (
                sealed.key_id.as_str(),
                sealed.wrapped_key.as_slice(),
                sealed.ciphertext.as_slice()
            ),
            ("k1", [1].as_slice(), [3, 4].as_slice())
        );
        let again = decode(
            &id("goimg/jwt", 3),
            &encode(&id("goimg/jwt", 3), &sealed),
            Path::new("x"),
        );
        assert_eq!(again.unwrap(), sealed);
    }

    #[test]
    fn a_copy_of_another_version_or_form_is_refused() {
        assert!(decode(&id("goimg/jwt", 4), FIRST_FORM.as_bytes(), Path::new("x")).is_err());
        let newer = FIRST_FORM.replace("\"schema\":1", "\"schema\":2");
        assert!(decode(&id("goimg/jwt", 3), newer.as_bytes(), Path::new("x")).is_err());
    }

    #[test]
    fn every_version_has_a_file_of_its_own() {
        let names = [
            id("a/b", 1),
            id("a.b", 1),
            id("a", 1),
            id("a.v1.json", 1),
            id("a/b", 11),
        ]
        .map(|id| file_name(&id));
        let mut unique = names.to_vec();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        assert!(file_name(&id(&"x".repeat(128), u64::MAX)).len() <= 255);
    }
}
