//! Ready-made sets of files. They are nothing but templates: whoever needs something else writes these entries by hand.

use crate::config::{Each, FileEntry, Preset};

const PRIVATE: &str = "jwt_private.pem";
const PUBLIC: &str = "jwt_public.pem";
const PUBLIC_OF_EACH: &str = "jwt_public_{{ version.number }}.pem";
const MANIFEST: &str = "keyring.json";
const PUBLISHED: &str = "jwks.json";

const SIGNER_MANIFEST: &str = r#"{
  "credential": {{ credential | json }},
  "revision": {{ revision }},
  "primary": {{ primary.kid | json }},
  "keys": [
{% for version in accepted %}
    {"kid": {{ version.kid | json }}, "alg": {{ version.alg | json }}, "public": "jwt_public_{{ version.number }}.pem"{% if version.number == primary.number %}, "private": "jwt_private.pem"{% endif %}}{{ "," if not loop.last else "" }}
{% endfor %}
  ]
}
"#;

const VERIFIER_MANIFEST: &str = r#"{
  "credential": {{ credential | json }},
  "revision": {{ revision }},
  "primary": {{ primary.kid | json }},
  "keys": [
{% for version in accepted %}
    {"kid": {{ version.kid | json }}, "alg": {{ version.alg | json }}, "public": "jwt_public_{{ version.number }}.pem"}{{ "," if not loop.last else "" }}
{% endfor %}
  ]
}
"#;

/// Every accepted key in the form that verifiers of any language read (RFC 7517 section 5).
const KEY_SET: &str = r#"{"keys": [
{% for version in accepted %}
  {{ version.jwk }}{{ "," if not loop.last else "" }}
{% endfor %}
]}
"#;

/// The entries of a preset.
pub(super) fn entries(preset: Preset) -> Vec<FileEntry> {
    let public = [
        entry(PUBLIC, "{{ primary.public_pem }}", None),
        entry(PUBLIC_OF_EACH, "{{ version.public_pem }}", Some(Each::Accepted)),
        entry(PUBLISHED, KEY_SET, None),
    ];
    let rest = match preset {
        Preset::KeyRing => vec![
            entry(PRIVATE, "{{ primary.private_pem }}", None),
            entry(MANIFEST, SIGNER_MANIFEST, None),
        ],
        Preset::VerifiersOnly => vec![entry(MANIFEST, VERIFIER_MANIFEST, None)],
    };
    public.into_iter().chain(rest).collect()
}

fn entry(path: &str, template: &str, each: Option<Each>) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        template: Some(template.to_owned()),
        template_file: None,
        each,
        mode: None,
        owner: None,
        group: None,
    }
}
