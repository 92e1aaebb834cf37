//! The key ring's files, and the runbook's.

use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{Delivery, SecretStore, VersionMaterial};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;
use keywheel_testkit::contract::secret_store::view;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::support::{Place, place};

fn version(number: u64) -> VersionMaterial {
    let pem = format!("-----BEGIN PRIVATE KEY-----\nprivate {number}\n-----END PRIVATE KEY-----\n");
    let public = format!("-----BEGIN PUBLIC KEY-----\npublic {number}\n-----END PUBLIC KEY-----\n");
    let attributes = [
        ("kid", format!("kid-{number}")),
        ("alg", "RS256".to_owned()),
        ("public_pem", public),
        (
            "jwk",
            format!(r#"{{"kty":"RSA","kid":"kid-{number}","use":"sig","alg":"RS256","n":"AQ","e":"AQAB"}}"#),
        ),
    ];
    VersionMaterial {
        id: keywheel_testkit::sample::version_id(number),
        material: Material::single("private_pem", Secret::new(Zeroizing::new(pem.into_bytes()))),
        attributes: attributes
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect::<Attributes>(),
    }
}

fn ring(view: &View) -> Delivery {
    Delivery {
        credential: "goimg/jwt".parse().unwrap(),
        rotation: None,
        view: view.clone(),
        versions: view.versions().into_iter().map(|number| version(number.0)).collect(),
    }
}

fn manifest(place: &Place) -> Value {
    serde_json::from_str(&place.read("keyring.json")).unwrap()
}

/// The names in the published set, which is a set as RFC 7517 wants it and has no member that belongs to private keys.
fn published_keys(place: &Place) -> Vec<String> {
    let set: Value = serde_json::from_str(&place.read("jwks.json")).unwrap();
    assert_eq!(set.as_object().unwrap().keys().collect::<Vec<_>>(), ["keys"]);
    let keys = set["keys"].as_array().unwrap();
    let public = ["alg", "e", "kid", "kty", "n", "use"];
    for key in keys {
        assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), public);
    }
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_signers_folder_is_a_key_ring() {
    let place = place();
    let store = place.store("folder = 'secrets'\npreset = 'key_ring'");
    let published = view(2, 1, &[1, 2]);
    store.deliver(&ring(&published), None).await.unwrap();
    assert_eq!(
        manifest(&place),
        json!({"credential": "goimg/jwt", "revision": 2, "primary": "kid-1", "keys": [
            {"kid": "kid-1", "alg": "RS256", "public": "jwt_public_1.pem", "private": "jwt_private.pem"},
            {"kid": "kid-2", "alg": "RS256", "public": "jwt_public_2.pem"},
        ]})
    );
    assert_eq!(
        published_keys(&place),
        ["kid-1", "kid-2"],
        "the one that signs comes first"
    );
    assert!(place.read("jwt_private.pem").contains("private 1"));
    assert!(place.read("jwt_public.pem").contains("public 1"));
    assert!(place.read("jwt_public_2.pem").contains("public 2"));
    let public = ["jwt_public.pem", "jwt_public_1.pem", "keyring.json", "jwks.json"].map(|name| place.mode(name));
    assert_eq!((place.mode("jwt_private.pem"), public), (0o600, [0o644; 4]));

    let removed = view(3, 2, &[2]);
    store.deliver(&ring(&removed), Some(&published)).await.unwrap();
    assert_eq!(manifest(&place)["keys"].as_array().unwrap().len(), 1);
    assert_eq!(published_keys(&place), ["kid-2"]);
    assert!(!place.secrets.join("jwt_public_1.pem").exists());
}

#[tokio::test]
async fn a_verifiers_folder_has_no_private_key() {
    let place = place();
    let store = place.store("folder = 'secrets'\npreset = 'verifiers_only'\nfolder_mode = '0755'");
    store.deliver(&ring(&view(2, 2, &[1, 2])), None).await.unwrap();
    assert_eq!(
        manifest(&place),
        json!({"credential": "goimg/jwt", "revision": 2, "primary": "kid-2", "keys": [
            {"kid": "kid-2", "alg": "RS256", "public": "jwt_public_2.pem"},
            {"kid": "kid-1", "alg": "RS256", "public": "jwt_public_1.pem"},
        ]})
    );
    assert_eq!(published_keys(&place), ["kid-2", "kid-1"]);
    let everything = format!("{:?}", place.snapshot());
    assert!(!everything.contains("PRIVATE") && !everything.contains("jwt_private"));
}

const RUNBOOK: &str = r#"
folder = "secrets"
preset = "key_ring"

[[file]]
path = "production.yaml"
template = """
jwt:
  # New key for signing
  private_key_path: /secrets/jwt_private.pem

  # Multiple keys for validation (new first, then old for grace period)
  public_key_paths:
{% for version in accepted %}
    - /secrets/jwt_public_{{ version.number }}.pem
{% endfor %}
"""
"#;

#[tokio::test]
async fn the_runbooks_configuration_changes_together_with_its_keys() {
    let place = place();
    place
        .store(RUNBOOK)
        .deliver(&ring(&view(3, 2, &[1, 2])), None)
        .await
        .unwrap();
    let expected = "jwt:\n  # New key for signing\n  private_key_path: /secrets/jwt_private.pem\n\n  \
        # Multiple keys for validation (new first, then old for grace period)\n  public_key_paths:\n    \
        - /secrets/jwt_public_2.pem\n    - /secrets/jwt_public_1.pem\n";
    assert_eq!(place.read("production.yaml"), expected);
    assert!(place.read("jwt_private.pem").contains("private 2"));
    assert_eq!(place.mode("production.yaml"), 0o644);
}

#[tokio::test]
async fn a_single_file_is_a_store_too() {
    let place = place();
    let config = "folder = 'secrets'\n[[file]]\npath = 'jwt.yaml'\ntemplate = 'key: |\n  {{ primary.private_pem | indent(2) }}\n'"
        .replace("'key", "'''key")
        .replace("}}\n'", "}}\n'''");
    place
        .store(&config)
        .deliver(&ring(&view(1, 1, &[1])), None)
        .await
        .unwrap();
    let expected = "key: |\n  -----BEGIN PRIVATE KEY-----\n  private 1\n  -----END PRIVATE KEY-----\n";
    assert_eq!(
        (place.read("jwt.yaml").as_str(), place.mode("jwt.yaml")),
        (expected, 0o600)
    );
}
