//! What a Pod's template says about the Secret that was there before it.

use std::fmt;

use keywheel_domain::id::{CredentialName, Revision};
use serde_json::Value;

/// The longest name of an annotation, behind its prefix.
const LONGEST: usize = 63;

/// A delivery, and the version of the Secret that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) revision: Revision,
    /// The Secret's uid and resource version.
    place: String,
}

impl Mark {
    /// `None` for what is no metadata of an object.
    pub(super) fn of(revision: Revision, metadata: &Value) -> Option<Self> {
        let (uid, version) = (metadata["uid"].as_str()?, metadata["resourceVersion"].as_str()?);
        Some(Self {
            revision,
            place: format!("{uid}/{version}"),
        })
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (revision, place) = text.strip_prefix('r')?.split_once(' ')?;
        Some(Self {
            revision: Revision(revision.parse().ok()?),
            place: place.to_owned(),
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{} {}", self.revision, self.place)
    }
}

/// The annotation that holds a credential's mark: a workload may read several.
pub(super) fn annotation(credential: &CredentialName) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '.'
        }
    };
    let name: String = credential.as_str().chars().map(plain).collect();
    // Its end says more than its beginning.
    let start = name.len().saturating_sub(LONGEST);
    let name = name[start..].trim_matches(|c: char| !c.is_ascii_alphanumeric());
    format!("keywheel.dev/{name}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let mark = Mark::of(Revision(3), &json!({"uid": "u-1", "resourceVersion": "17"})).unwrap();
        assert_eq!(mark.to_string(), "r3 u-1/17");
        assert_eq!(Mark::read("r3 u-1/17"), Some(mark));
        assert_eq!(Mark::of(Revision(3), &json!({"uid": "u-1"})), None);
        for bad in ["", "3 u/1", "r3", "rx u/1"] {
            assert_eq!(Mark::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_credential_has_an_annotation_that_the_api_takes() {
        assert_eq!(annotation(&"goimg/db".parse().unwrap()), "keywheel.dev/goimg.db");
        let long: CredentialName = format!("{}/db", "a".repeat(70)).parse().unwrap();
        let name = annotation(&long);
        assert!(
            name.len() <= "keywheel.dev/".len() + LONGEST && name.ends_with("a.db"),
            "{name}"
        );
    }
}
