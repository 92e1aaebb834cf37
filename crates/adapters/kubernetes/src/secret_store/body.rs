//! What is sent: an object with material, written once into memory that is wiped.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::keys::Keys;
use crate::marker::{Marker, ROTATION, VERSION, VIEW};

/// Room for names, labels and annotations.
const FRAME: usize = 4096;

/// A Secret as it is applied. Its material is in `data` and never in `stringData`, whose ownership conflicts with nobody.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    secret_type: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    immutable: bool,
    data: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<&'a str>,
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
}

/// What makes a Secret beside its keys.
pub(super) struct Shape<'a> {
    pub(super) name: &'a str,
    pub(super) secret_type: Option<&'a str>,
    /// The version of the object that this one replaces.
    pub(super) resource_version: Option<&'a str>,
    pub(super) immutable: bool,
}

/// The object as JSON.
pub(super) fn of(shape: &Shape<'_>, marker: &Marker, keys: &Keys) -> Zeroizing<Vec<u8>> {
    let encoded: Vec<(&str, Zeroizing<String>)> = keys
        .iter()
        .map(|(name, content)| {
            let mut text = Zeroizing::new(String::with_capacity(content.len().div_ceil(3) * 4));
            STANDARD.encode_string(&**content, &mut text);
            (name.as_str(), text)
        })
        .collect();
    let room: usize = encoded.iter().map(|(name, text)| 2 * name.len() + text.len() + 8).sum();
    let mut labels = BTreeMap::from([(VERSION, marker.primary.to_string())]);
    labels.extend(
        marker
            .rotation
            .as_ref()
            .map(|rotation| (ROTATION, rotation.to_string())),
    );
    let object = Object {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata {
            name: shape.name,
            resource_version: shape.resource_version,
            labels,
            annotations: BTreeMap::from([(VIEW, marker.text())]),
        },
        secret_type: shape.secret_type,
        immutable: shape.immutable,
        data: encoded.iter().map(|(name, text)| (*name, text.as_str())).collect(),
    };
    // Long enough from the beginning: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + FRAME));
    serde_json::to_writer(&mut *bytes, &object).expect("text is always JSON");
    bytes
}
