//! The marker beside the files of a delivery: which view they are. It is what a store is read back from.

use std::collections::BTreeSet;
use std::path::Path;

use keywheel_domain::id::{CredentialName, Revision, RotationId, VersionNumber};
use keywheel_domain::ports::{Delivery, ErrorKind, PortError};
use keywheel_domain::view::View;
use serde::{Deserialize, Serialize};

/// The marker's file name; no file of a store may have it.
pub(super) const MARKER: &str = "view.json";
/// The form of the marker that this version writes and reads.
const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    schema: u32,
    pub(super) credential: CredentialName,
    rotation: Option<RotationId>,
    revision: Revision,
    primary: VersionNumber,
    accepted: BTreeSet<VersionNumber>,
}

/// The part that every form has.
#[derive(Deserialize)]
struct Form {
    schema: u32,
}

impl Marker {
    pub(super) fn of(delivery: &Delivery) -> Self {
        Self {
            schema: SCHEMA,
            credential: delivery.credential.clone(),
            rotation: delivery.rotation.clone(),
            revision: delivery.view.revision,
            primary: delivery.view.primary,
            accepted: delivery.view.accepted.clone(),
        }
    }

    pub(super) fn view(&self) -> View {
        View::new(self.revision, self.primary, self.accepted.iter().copied())
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("names and numbers are always JSON");
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Self, PortError> {
        let damaged = |_| {
            PortError::permanent(
                ErrorKind::Storage,
                format!(
                    "{} is not a marker that Keywheel wrote; see what it is, and remove `..data` beside its folder if nobody needs it",
                    path.display()
                ),
            )
        };
        let form: Form = serde_json::from_slice(bytes).map_err(damaged)?;
        if form.schema > SCHEMA {
            return Err(PortError::permanent(
                ErrorKind::Storage,
                format!(
                    "{} was written by a newer version of Keywheel (form {}); use that version",
                    path.display(),
                    form.schema
                ),
            ));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_FORM: &str =
        r#"{"schema":1,"credential":"goimg/jwt","rotation":null,"revision":3,"primary":2,"accepted":[1,2]}"#;

    #[test]
    fn the_first_form_is_read_for_ever() {
        let marker = Marker::read(FIRST_FORM.as_bytes(), Path::new("view.json")).unwrap();
        assert_eq!(marker.credential.as_str(), "goimg/jwt");
        let expected = View::new(Revision(3), VersionNumber(2), [VersionNumber(1), VersionNumber(2)]);
        assert_eq!(marker.view(), expected);
        assert_eq!(
            Marker::read(&marker.to_bytes(), Path::new("view.json")).unwrap(),
            marker
        );
    }

    #[test]
    fn what_a_newer_version_wrote_is_left_to_it() {
        let newer = Marker::read(br#"{"schema":2,"shape":"new"}"#, Path::new("view.json")).unwrap_err();
        assert!(newer.message().contains("newer version"), "{newer}");
        let damaged = Marker::read(b"{", Path::new("/s/..r1/view.json")).unwrap_err();
        assert!(damaged.message().contains("/s/..r1/view.json"), "{damaged}");
    }
}
