//! What templates see.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};

use super::invalid;
use crate::id::VersionNumber;
use crate::material::{Material, Secret};
use crate::ports::{Delivery, PortError, VersionMaterial};
use crate::version::Attributes;

/// What happened while a template was rendered.
#[derive(Debug, Default)]
pub(super) struct Watch {
    touched: AtomicBool,
    misused: AtomicBool,
    missing: Mutex<Option<String>>,
}

impl Watch {
    /// Whether a secret field was asked for.
    pub(super) fn touched(&self) -> bool {
        self.touched.load(Ordering::Relaxed)
    }

    /// Whether something tried to turn a secret field into ordinary text.
    pub(super) fn misused(&self) -> bool {
        self.misused.load(Ordering::Relaxed)
    }

    /// The last name that was not there.
    pub(super) fn missing(&self) -> Option<String> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn miss(&self, name: &str) {
        *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
    }
}

/// A secret field in a template.
pub(super) struct SecretText {
    secret: Secret,
    watch: Arc<Watch>,
}

impl SecretText {
    pub(super) fn text(&self) -> Option<&str> {
        self.secret.expose_text()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.secret.expose()
    }

    /// Another form of the same secret.
    pub(super) fn derived(&self, secret: Secret) -> Value {
        Value::from_object(Self {
            secret,
            watch: Arc::clone(&self.watch),
        })
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.watch.misused.store(true, Ordering::Relaxed);
        f.write_str("redacted")
    }
}

impl Object for SecretText {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.bytes().is_empty()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A version as templates see it: its number, what is public about it and its secret fields, all by name. Where a secret
/// field has the name of something public, it is the secret one.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its number.
    pub number: u64,
    /// What is public about it.
    pub attributes: Attributes,
    /// Its secret fields.
    pub material: Material,
}

impl From<&VersionMaterial> for Version {
    fn from(version: &VersionMaterial) -> Self {
        Self {
            number: version.id.number.0,
            attributes: version.attributes.clone(),
            material: version.material.clone(),
        }
    }
}

impl Version {
    /// Without its secret fields: for file names, which anybody can read.
    fn public(&self) -> Self {
        Self {
            material: Material::default(),
            ..self.clone()
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let secret = self.material.fields().map(|(name, _)| name);
        let public = self.attributes.keys().map(String::as_str);
        std::iter::once("number")
            .chain(secret)
            .chain(public.filter(|name| self.material.get(name).is_none()))
    }
}

#[derive(Debug)]
struct VersionValue {
    version: Version,
    watch: Arc<Watch>,
}

impl Object for VersionValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == "number" {
            return Some(Value::from(self.version.number));
        }
        if let Some(secret) = self.version.material.get(name) {
            self.watch.touched.store(true, Ordering::Relaxed);
            return Some(Value::from_object(SecretText {
                secret: secret.clone(),
                watch: Arc::clone(&self.watch),
            }));
        }
        let public = self.version.attributes.get(name).map(|text| Value::from(text.as_str()));
        if public.is_none() {
            self.watch.miss(name);
        }
        public
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.version.names().map(Value::from).collect())
    }
}

/// Everything that one template sees.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The credential's name.
    pub credential: String,
    /// The revision of the view.
    pub revision: u64,
    /// The rotation that delivers.
    pub rotation: Option<String>,
    /// The version to present or to sign with.
    pub primary: Version,
    /// The primary first, then from the newest to the oldest.
    pub accepted: Vec<Version>,
    /// The version that something is written for, where it is written for each.
    pub version: Option<Version>,
}

impl Scope {
    /// What a delivery's templates see.
    ///
    /// # Errors
    /// `Invalid` where the delivery lacks the material of a version that its view shows.
    pub fn of(delivery: &Delivery) -> Result<Self, PortError> {
        let view = &delivery.view;
        let mut accepted: Vec<VersionNumber> = view.accepted.iter().rev().copied().collect();
        // A stable sort: the primary first, the others from the newest to the oldest as they are.
        accepted.sort_by_key(|number| *number != view.primary);
        let version = |number: VersionNumber| {
            let found = delivery.version(number).map(Version::from);
            found.ok_or_else(|| {
                invalid(format!(
                    "the delivery lacks the material of version {number}, which is a defect: please report it"
                ))
            })
        };
        Ok(Self {
            credential: delivery.credential.to_string(),
            revision: view.revision.0,
            rotation: delivery.rotation.as_ref().map(ToString::to_string),
            primary: version(view.primary)?,
            accepted: accepted.into_iter().map(version).collect::<Result<_, _>>()?,
            version: None,
        })
    }

    /// The same for each accepted version, which its templates know as `version`.
    pub fn for_each_accepted(&self) -> impl Iterator<Item = Self> {
        self.accepted.iter().map(|version| Self {
            version: Some(version.clone()),
            ..self.clone()
        })
    }

    /// The same without secret fields.
    pub fn public(&self) -> Self {
        Self {
            primary: self.primary.public(),
            accepted: self.accepted.iter().map(Version::public).collect(),
            version: self.version.as_ref().map(Version::public),
            ..self.clone()
        }
    }

    /// What a template may name, for errors.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = ["credential", "revision", "rotation", "primary", "accepted"]
            .map(str::to_owned)
            .into();
        names.extend(self.version.as_ref().map(|_| "version".to_owned()));
        names.extend(self.primary.names().map(|name| format!("primary.{name}")));
        names
    }

    pub(super) fn value(&self, watch: &Arc<Watch>) -> Value {
        let version = |version: &Version| {
            Value::from_object(VersionValue {
                version: version.clone(),
                watch: Arc::clone(watch),
            })
        };
        let mut values = BTreeMap::from([
            ("credential", Value::from(self.credential.as_str())),
            ("revision", Value::from(self.revision)),
            ("rotation", Value::from(self.rotation.as_deref())),
            ("primary", version(&self.primary)),
            ("accepted", self.accepted.iter().map(version).collect()),
        ]);
        values.extend(self.version.as_ref().map(|one| ("version", version(one))));
        Value::from_object(Root {
            values,
            watch: Arc::clone(watch),
        })
    }
}

#[derive(Debug)]
struct Root {
    values: BTreeMap<&'static str, Value>,
    watch: Arc<Watch>,
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let value = self.values.get(name).cloned();
        if value.is_none() {
            self.watch.miss(name);
        }
        value
    }
}
