//! What Keywheel writes beside the material: which view a Secret shows. It is what a store is read back from.

use std::collections::BTreeSet;

use keywheel_domain::id::{CredentialName, Revision, RotationId, VersionNumber};
use keywheel_domain::ports::{Delivery, ErrorKind, PortError};
use keywheel_domain::view::View;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The annotation that says which view a Secret shows.
pub(crate) const VIEW: &str = "keywheel.dev/view";
/// The label with the rotation that delivered, for people's selectors.
pub(crate) const ROTATION: &str = "keywheel.dev/rotation";
/// The label with the version that is presented, for people's selectors.
pub(crate) const VERSION: &str = "keywheel.dev/version";
/// The form of the marker that this version writes and reads.
const SCHEMA: u32 = 1;

/// Which view a Secret shows, and by which keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    schema: u32,
    pub(crate) credential: CredentialName,
    pub(crate) rotation: Option<RotationId>,
    revision: Revision,
    pub(crate) primary: VersionNumber,
    accepted: BTreeSet<VersionNumber>,
    /// The keys of `data` that were written.
    pub(crate) keys: BTreeSet<String>,
    /// The Secret that holds them, where it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
}

/// The part that every form has.
#[derive(Deserialize)]
struct Form {
    schema: u32,
}

impl Marker {
    pub(crate) fn of(delivery: &Delivery, keys: impl IntoIterator<Item = String>) -> Self {
        Self {
            schema: SCHEMA,
            credential: delivery.credential.clone(),
            rotation: delivery.rotation.clone(),
            revision: delivery.view.revision,
            primary: delivery.view.primary,
            accepted: delivery.view.accepted.clone(),
            keys: keys.into_iter().collect(),
            secret: None,
        }
    }

    /// The same, of a Secret that holds nothing and names the one that does.
    pub(crate) fn pointing_at(self, secret: String) -> Self {
        Self {
            keys: BTreeSet::new(),
            secret: Some(secret),
            ..self
        }
    }

    pub(crate) fn view(&self) -> View {
        View::new(self.revision, self.primary, self.accepted.iter().copied())
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("names and numbers are always JSON")
    }

    /// The marker of an object, where it has one. `what` names the object.
    pub(crate) fn read(metadata: &Value, what: &str) -> Result<Option<Self>, PortError> {
        let Some(text) = metadata["annotations"][VIEW].as_str() else {
            return Ok(None);
        };
        let error = |problem: String| {
            PortError::permanent(ErrorKind::Storage, format!("the annotation {VIEW} of {what} {problem}"))
        };
        let damaged = |_| error("is not what Keywheel wrote; remove it if nobody needs it".to_owned());
        let form: Form = serde_json::from_str(text).map_err(damaged)?;
        if form.schema > SCHEMA {
            return Err(error(format!(
                "was written by a newer version of Keywheel (form {}); use that version",
                form.schema
            )));
        }
        serde_json::from_str(text).map(Some).map_err(damaged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIRST_FORM: &str = r#"{"schema":1,"credential":"goimg/db","rotation":null,"revision":3,"primary":2,"accepted":[2],"keys":["password"]}"#;

    fn read(text: &str) -> Result<Option<Marker>, PortError> {
        Marker::read(&json!({"annotations": {VIEW: text}}), "Secret goimg/db")
    }

    #[test]
    fn the_first_form_is_read_for_ever() {
        let marker = read(FIRST_FORM).unwrap().unwrap();
        assert_eq!(
            marker.view(),
            View::new(Revision(3), VersionNumber(2), [VersionNumber(2)])
        );
        assert_eq!(marker.text(), FIRST_FORM);
    }

    #[test]
    fn what_a_newer_version_wrote_is_left_to_it_and_what_nobody_wrote_is_absent() {
        assert!(read(r#"{"schema":2}"#).unwrap_err().message().contains("newer version"));
        assert!(read("{").unwrap_err().message().contains("Secret goimg/db"));
        assert_eq!(Marker::read(&json!({}), "x").unwrap(), None);
    }
}
