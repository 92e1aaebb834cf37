//! How a secret may look when it leaks.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The shortest part of a secret that counts as a leak of it, in bytes of the secret.
const SHORTEST: usize = 12;
/// A shorter text than this hits innocent words.
const WORTH_A_SEARCH: usize = 6;

/// A secret in one form.
pub(super) struct Form {
    /// What the form is called.
    pub(super) name: &'static str,
    /// The secret in it.
    pub(super) text: Zeroizing<Vec<u8>>,
    /// How long a part has to be to be searched for.
    pub(super) part: usize,
}

/// Every form in which the secret is searched for.
pub(super) fn all(secret: &[u8]) -> Vec<Form> {
    let mut forms = Vec::new();
    for piece in pieces(secret) {
        if piece.len() >= WORTH_A_SEARCH {
            forms.extend(of(&piece));
        }
    }
    forms
}

/// The lines of a PEM's body and the bytes that they encode; anything else is one piece.
fn pieces(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(secret).unwrap_or("");
    if !text.starts_with("-----BEGIN ") {
        return vec![Zeroizing::new(secret.to_vec())];
    }
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let mut pieces: Vec<_> = lines.map(|line| Zeroizing::new(line.as_bytes().to_vec())).collect();
    let body: Zeroizing<Vec<u8>> = Zeroizing::new(pieces.iter().flat_map(|line| line.iter().copied()).collect());
    let unpadded = body.split(|byte| *byte == b'=').next().unwrap_or_default();
    pieces.extend(STANDARD_NO_PAD.decode(unpadded).ok().map(Zeroizing::new));
    pieces
}

fn of(secret: &[u8]) -> Vec<Form> {
    let form = |name, text: Vec<u8>, part| Form {
        name,
        text: Zeroizing::new(text),
        part,
    };
    let mut forms = vec![
        form("as it is", secret.to_vec(), SHORTEST),
        form("reversed", secret.iter().rev().copied().collect(), SHORTEST),
        form("in hexadecimal", hex(secret, b"0123456789abcdef"), 2 * SHORTEST),
        form("in hexadecimal", hex(secret, b"0123456789ABCDEF"), 2 * SHORTEST),
    ];
    // Where the secret begins inside of what was encoded decides on the characters: there are three ways.
    for skipped in 0..3.min(secret.len()) {
        let rest = &secret[skipped..];
        let whole = &rest[..rest.len() / 3 * 3];
        let part = SHORTEST / 3 * 4;
        forms.push(form("in base64", STANDARD_NO_PAD.encode(whole).into_bytes(), part));
        forms.push(form("in base64url", URL_SAFE_NO_PAD.encode(whole).into_bytes(), part));
    }
    forms.push(form("in percent encoding", percent(secret), SHORTEST));
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::Value::from(text).to_string();
        forms.push(form("in JSON", json.trim_matches('"').as_bytes().to_vec(), SHORTEST));
    }
    forms.retain(|form| form.text.len() >= WORTH_A_SEARCH);
    forms
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let pair = |byte: &u8| [byte >> 4, byte & 15].map(|digit| digits[usize::from(digit)]);
    bytes.iter().flat_map(pair).collect()
}

fn percent(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(3 * bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(*byte);
        } else {
            text.push(b'%');
            text.extend(hex(std::slice::from_ref(byte), b"0123456789ABCDEF"));
        }
    }
    text
}
