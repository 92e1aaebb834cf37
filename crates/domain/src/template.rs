//! Templates of what applications read, rendered into memory that is wiped.
//!
//! minijinja builds text in ordinary strings as soon as an expression touches it. Secret fields are therefore objects of
//! their own kind: they are written to the output directly, the filters here know them, and any other use of them is an
//! error instead of a copy that nobody wipes.

mod filters;
mod values;

use std::io;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, escape_formatter};
use zeroize::Zeroizing;

use crate::ports::{ErrorKind as PortErrorKind, PortError};

pub use values::{Scope, Version};

use values::{SecretText, Watch};

/// A file that applications read is far smaller.
const RENDERED_LIMIT: usize = 1024 * 1024;

/// A template that compiles.
#[derive(Debug, Clone)]
pub struct Template {
    /// What it is called in errors.
    name: String,
    source: String,
}

/// A rendered template.
#[derive(Debug)]
pub struct Rendered {
    /// What was written.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether a secret field was used.
    pub secret: bool,
}

impl Template {
    /// Checks the template's syntax. `name` is what it is called in errors.
    ///
    /// # Errors
    /// `Invalid` for what does not compile, and for blocks that would copy secrets.
    pub fn new(name: &str, source: &str) -> Result<Self, PortError> {
        for copying in ["endset", "endfilter"] {
            if source.contains(copying) {
                return Err(invalid(format!(
                    "the template of {name} has a block that ends with `{copying}`, which would copy secrets into memory that is not wiped; write the text directly"
                )));
            }
        }
        if let Err(error) = environment().template_from_named_str(name, source) {
            return Err(invalid(format!("the template of {name} does not compile: {error}")));
        }
        Ok(Self {
            name: name.to_owned(),
            source: source.to_owned(),
        })
    }

    /// Fills the template in.
    ///
    /// # Errors
    /// `Invalid` where it names what is not there, copies a secret field, or has no end. The message holds no value.
    pub fn render(&self, scope: &Scope) -> Result<Rendered, PortError> {
        let watch = Arc::new(Watch::default());
        let mut output = Limited::new();
        let environment = environment();
        let template = environment
            .template_from_named_str(&self.name, &self.source)
            .map_err(|error| invalid(format!("the template of {} does not compile: {error}", self.name)))?;
        let result = template.render_captured_to(scope.value(&watch), &mut output);
        if watch.misused() {
            return Err(invalid(format!(
                "the template of {} uses a secret field in an expression; write `{{{{ field }}}}`, with the filters json, b64encode, urlencode, indent or trim where needed",
                self.name
            )));
        }
        if let Err(error) = result {
            return Err(self.explain(&error, &watch, scope));
        }
        Ok(Rendered {
            bytes: Zeroizing::new(output.bytes.to_vec()),
            secret: watch.touched(),
        })
    }

    /// Says the line and the name, and nothing of minijinja's own text, which may quote values.
    fn explain(&self, error: &minijinja::Error, watch: &Watch, scope: &Scope) -> PortError {
        let line = error.line().unwrap_or_default();
        let place = format!("the template of {}, line {line}", self.name);
        let missing = watch.missing().filter(|name| self.source.contains(name.as_str()));
        match (error.kind(), missing) {
            (ErrorKind::UndefinedError, Some(missing)) => invalid(format!(
                "{place}: there is no `{missing}` here; there are {}",
                scope.names().join(", ")
            )),
            (ErrorKind::WriteFailure, _) => invalid(format!(
                "{place}: the file is larger than {RENDERED_LIMIT} bytes, or a secret field is not text; encode it with `b64encode`"
            )),
            (kind, _) => invalid(format!("{place}: {kind}")),
        }
    }
}

/// A configuration that cannot be meant. Certainly no effect.
fn invalid(message: impl Into<String>) -> PortError {
    PortError::permanent(PortErrorKind::Invalid, message)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.expect("the usual delimiters do not contradict each other"));
    environment.set_formatter(
        |output, state, value: &Value| match value.downcast_object_ref::<SecretText>() {
            Some(secret) => {
                let text = secret.text().ok_or(ErrorKind::WriteFailure)?;
                output.write_str(text).map_err(|_| ErrorKind::WriteFailure.into())
            }
            None => escape_formatter(output, state, value),
        },
    );
    filters::add(&mut environment);
    environment
}

/// A buffer that never grows, because growing would leave unwiped copies behind.
struct Limited {
    bytes: Zeroizing<Vec<u8>>,
}

impl Limited {
    fn new() -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(RENDERED_LIMIT)),
        }
    }
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > RENDERED_LIMIT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
