//! The filters that know secret fields. What they make of one is a secret again, in memory that is wiped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};
use zeroize::Zeroizing;

use super::values::SecretText;
use crate::material::Secret;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("json", json);
    environment.add_filter("tojson", json);
    environment.add_filter("b64encode", b64encode);
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("indent", indent);
    environment.add_filter("trim", trim);
}

/// JSON; of a text with its quotes.
fn json(value: &Value) -> Result<Value, Error> {
    if value.downcast_object_ref::<SecretText>().is_some() {
        return convert(value, |text, output| {
            output.push(b'"');
            for character in text.chars() {
                escape(character, output);
            }
            output.push(b'"');
            Ok(())
        });
    }
    let text = serde_json::to_string(value).map_err(|_| ErrorKind::BadSerialization)?;
    Ok(Value::from(text))
}

/// The escapes of RFC 8259, section 7.
fn escape(character: char, output: &mut Vec<u8>) {
    match character {
        '"' => output.extend_from_slice(b"\\\""),
        '\\' => output.extend_from_slice(b"\\\\"),
        '\n' => output.extend_from_slice(b"\\n"),
        '\r' => output.extend_from_slice(b"\\r"),
        '\t' => output.extend_from_slice(b"\\t"),
        control if u32::from(control) < 0x20 => {
            output.extend_from_slice(b"\\u00");
            push_hex(u32::from(control) as u8, output);
        }
        plain => output.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Standard base64 (RFC 4648, section 4) with padding. Takes fields that are not text, too.
fn b64encode(value: &Value) -> Result<Value, Error> {
    let Some(secret) = value.downcast_object_ref::<SecretText>() else {
        let text = value.as_str().ok_or(ErrorKind::InvalidOperation)?;
        return Ok(Value::from(STANDARD.encode(text)));
    };
    let mut encoded = Zeroizing::new(vec![0; secret.bytes().len().div_ceil(3) * 4]);
    STANDARD
        .encode_slice(secret.bytes(), &mut encoded)
        .map_err(|_| ErrorKind::InvalidOperation)?;
    Ok(secret.derived(Secret::new(encoded)))
}

/// Percent-encoding of everything that RFC 3986 does not call unreserved, so that it fits into any part of a URL.
fn urlencode(value: &Value) -> Result<Value, Error> {
    convert(value, |text, output| {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                output.push(byte);
            } else {
                output.push(b'%');
                push_hex(byte, output);
            }
        }
        Ok(())
    })
}

/// Every line but the first moves to the right, so that a PEM fits into a YAML block.
fn indent(value: &Value, width: Option<usize>) -> Result<Value, Error> {
    let width = width.unwrap_or(4);
    if width > 32 {
        return Err(ErrorKind::InvalidOperation.into());
    }
    convert(value, |text, output| {
        for (number, line) in text.trim_end_matches('\n').split('\n').enumerate() {
            if number > 0 {
                output.push(b'\n');
                output.extend(std::iter::repeat_n(b' ', width));
            }
            output.extend_from_slice(line.as_bytes());
        }
        Ok(())
    })
}

/// Without white space at its ends.
fn trim(value: &Value) -> Result<Value, Error> {
    convert(value, |text, output| {
        output.extend_from_slice(text.trim().as_bytes());
        Ok(())
    })
}

/// Applies a conversion whose output is at most 33 times as long as its input; secret where the input is.
fn convert(value: &Value, conversion: impl Fn(&str, &mut Vec<u8>) -> Result<(), Error>) -> Result<Value, Error> {
    let secret = value.downcast_object_ref::<SecretText>();
    let text = match secret {
        Some(secret) => secret.text(),
        None => value.as_str(),
    };
    let text = text.ok_or(ErrorKind::InvalidOperation)?;
    // Room for the longest output: a vector that grows leaves unwiped copies behind.
    let mut output = Zeroizing::new(Vec::with_capacity(text.len() * 33 + 2));
    conversion(text, &mut output)?;
    match secret {
        Some(secret) => Ok(secret.derived(Secret::new(output))),
        None => {
            let text = std::str::from_utf8(&output).map_err(|_| ErrorKind::InvalidOperation)?;
            Ok(Value::from(text))
        }
    }
}

fn push_hex(byte: u8, output: &mut Vec<u8>) {
    output.push(HEX[usize::from(byte >> 4)]);
    output.push(HEX[usize::from(byte & 0xf)]);
}
