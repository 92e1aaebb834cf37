//! A TOML document that is read table by table, so that every error knows its line, whatever `kind` a table turns out to be.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::error::ConfigError;
use super::nearest::nearest;

/// The file and its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl<'a> Document<'a> {
    /// The whole document as a table.
    pub(super) fn root(self) -> Result<Section<'a>, ConfigError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            ConfigError::at(
                self.path,
                self.text,
                offset,
                format!("this is no TOML: {}", error.message()),
            )
        })?;
        super::secrets::refuse(self, table.get_ref())?;
        Ok(Section {
            document: self,
            name: String::new(),
            owner: None,
            span: 0..0,
            table: table.into_inner(),
        })
    }

    pub(super) fn error(self, span: &Range<usize>, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.text, span.start, problem)
    }
}

/// One table. What is taken out of it is known; what is left at the end is not.
#[derive(Debug)]
pub(super) struct Section<'a> {
    document: Document<'a>,
    /// Its name with dots, such as `credential.policy`; empty for the root.
    name: String,
    /// The credential that it belongs to.
    owner: Option<String>,
    span: Range<usize>,
    table: DeTable<'a>,
}

/// Where a section stands, for errors about it after it was read. Which line that is, is counted only for an error: the way to the
/// last credential of many is long.
#[derive(Debug)]
pub(super) struct Place<'a> {
    document: Document<'a>,
    name: String,
    owner: Option<String>,
    span: Range<usize>,
}

impl Place<'_> {
    /// An error about the section itself.
    pub(super) fn error(&self, problem: impl Into<String>) -> ConfigError {
        self.of_field("", &self.span, problem)
    }

    /// An error about a field of the section.
    fn of_field(&self, field: &str, span: &Range<usize>, problem: impl Into<String>) -> ConfigError {
        let parts = [self.name.as_str(), field];
        let path = parts
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(".");
        let about = match &self.owner {
            Some(owner) if path.is_empty() => format!("credential {owner}"),
            Some(owner) => format!("`{path}` of {owner}"),
            None => format!("`{path}`"),
        };
        let error = self.document.error(span, problem);
        if path.is_empty() && self.owner.is_none() {
            error
        } else {
            error.about(about)
        }
    }
}

impl<'a> Section<'a> {
    /// The same, with the credential's name in its errors.
    pub(super) fn owned_by(self, owner: &str) -> Self {
        Self {
            owner: Some(owner.to_owned()),
            ..self
        }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place<'a> {
        Place {
            document: self.document,
            name: self.name.clone(),
            owner: self.owner.clone(),
            span: self.span.clone(),
        }
    }

    /// Where a field's value stands, if it is there, or else the section.
    pub(super) fn place_of(&self, key: &str) -> Place<'a> {
        Place {
            name: self.path_of(key),
            span: self.span_of(key),
            ..self.place()
        }
    }

    /// An error about a field of this section.
    fn error(&self, field: &str, span: &Range<usize>, problem: impl Into<String>) -> ConfigError {
        self.place().of_field(field, span, problem)
    }

    /// An error about the section itself.
    fn error_here(&self, problem: impl Into<String>) -> ConfigError {
        self.place().error(problem)
    }

    fn span_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    fn child(&self, key: &str, value: Spanned<DeValue<'a>>) -> Result<Self, ConfigError> {
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            return Err(self.error(
                key,
                &span,
                format!("this has to be a table: write `[{}]`", self.path_of(key)),
            ));
        };
        Ok(Self {
            document: self.document,
            name: self.path_of(key),
            owner: self.owner.clone(),
            span,
            table,
        })
    }

    fn path_of(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// Takes a table out.
    pub(super) fn section(&mut self, key: &str) -> Result<Option<Self>, ConfigError> {
        let Some(value) = self.table.remove(key) else {
            return Ok(None);
        };
        self.child(key, value).map(Some)
    }

    /// Puts a table back that was taken out, for whoever reads the rest.
    #[cfg(feature = "postgres")]
    pub(super) fn put_back(&mut self, key: &'static str, section: Self) {
        let value = Spanned::new(section.span, DeValue::Table(section.table));
        self.table.insert(Spanned::new(value.span(), key.into()), value);
    }

    /// Takes an array of tables out.
    pub(super) fn sections(&mut self, key: &str) -> Result<Vec<Self>, ConfigError> {
        let Some(value) = self.table.remove(key) else {
            return Ok(Vec::new());
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(tables) => tables.into_iter().map(|table| self.child(key, table)).collect(),
            _ => Err(self.error(
                key,
                &span,
                format!("there may be many: write `[[{}]]`", self.path_of(key)),
            )),
        }
    }

    /// Takes a value out.
    pub(super) fn value<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.table.remove(key) else {
            return Ok(None);
        };
        let span = value.span();
        let read = T::deserialize(ValueDeserializer::from(value));
        read.map(Some).map_err(|error| self.explain(&error, key, &span))
    }

    /// Takes a value out that has to be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self, key: &str, example: &str) -> Result<T, ConfigError> {
        let found = self.value(key)?;
        found.ok_or_else(|| self.error_here(format!("`{key}` is missing; add `{key} = {example}`")))
    }

    /// Takes the kind out, which has to be one of these. Where there is only one it need not be said.
    pub(super) fn kind(&mut self, known: &[&str]) -> Result<String, ConfigError> {
        let span = self.span_of("kind");
        let kind: String = match (self.value("kind")?, known) {
            (Some(kind), _) => kind,
            (None, [only]) => (*only).to_owned(),
            (None, _) => return Err(self.error_here(format!("`kind` is missing; write one of {}", listed(known)))),
        };
        if known.contains(&kind.as_str()) {
            return Ok(kind);
        }
        let kind = kind.chars().take(40).collect::<String>();
        Err(self.error(
            "kind",
            &span,
            format!("{kind:?} is not known here; write one of {}", listed(known)),
        ))
    }

    /// Reads what is left as a value of that type, which knows its own fields.
    pub(super) fn read<T: DeserializeOwned>(mut self) -> Result<T, ConfigError> {
        let span = self.span.clone();
        let table = std::mem::take(&mut self.table);
        let value = Spanned::new(span.clone(), DeValue::Table(table));
        T::deserialize(ValueDeserializer::from(value)).map_err(|error| self.explain(&error, "", &span))
    }

    /// Refuses what is left: nothing took it, so nothing knows it.
    pub(super) fn finish(self, known: &[&str]) -> Result<(), ConfigError> {
        match self.table.iter().min_by_key(|(key, _)| key.span().start) {
            None => Ok(()),
            Some((key, _)) => {
                let problem = unknown(key.get_ref(), known);
                Err(self.error("", &key.span(), problem))
            }
        }
    }

    /// An error of serde with its place and the way to the field.
    fn explain(&self, error: &toml::de::Error, key: &str, span: &Range<usize>) -> ConfigError {
        let inner = keys_of(error);
        let parts = [key, &inner];
        let field = parts
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(".");
        let place = error.span().unwrap_or_else(|| span.clone());
        self.error(&field, &place, advised(error.message()))
    }
}

/// A message of serde with what to do.
fn advised(message: &str) -> String {
    let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, [written, known @ ..]) = (message.starts_with("unknown field"), named.as_slice()) {
        return unknown(written, known);
    }
    let fix = if message.starts_with("missing field") {
        "; add it"
    } else {
        ""
    };
    format!("{message}{fix}")
}

fn unknown(written: &str, known: &[&str]) -> String {
    let written: String = written.chars().take(40).collect();
    match nearest(&written, known.iter().copied()) {
        Some(meant) => format!("unknown field `{written}`; did you mean `{meant}`?"),
        None => format!(
            "unknown field `{written}`; remove it, or write one of {}",
            listed(known)
        ),
    }
}

/// The way to the field, which the error shows only as the second line of its text: "in `retry.first`".
fn keys_of(error: &toml::de::Error) -> String {
    let shown = error.to_string();
    let rest = shown.strip_prefix(error.message()).unwrap_or_default().trim();
    let keys = rest.strip_prefix("in `").and_then(|rest| rest.strip_suffix('`'));
    keys.unwrap_or_default().to_owned()
}

fn listed(known: &[&str]) -> String {
    known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// For values that are read with [`Section::value`] and know their own form.
pub(super) fn parsed<'de, D, T>(deserializer: D, expecting: &'static str) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let value = toml::Value::deserialize(deserializer)?;
    let Some(text) = value.as_str() else {
        return Err(serde::de::Error::custom(format!("this has to be {expecting}")));
    };
    text.parse().map_err(serde::de::Error::custom)
}
