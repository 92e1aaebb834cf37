//! What the server stores for a password: a SCRAM-SHA-256 verifier (RFC 5803, RFC 7677), computed here, so that the password
//! itself never reaches the server, its logs or its statistics.

use std::borrow::Cow;
use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

/// What RFC 7677 asks for at the least, and what PostgreSQL and its clients use.
pub(crate) const FEWEST_ITERATIONS: u32 = 4096;
/// Clients refuse more, so that a server cannot keep them busy.
pub(crate) const MOST_ITERATIONS: u32 = 100_000;
/// As PostgreSQL's own salts.
pub(crate) const SALT_LENGTH: usize = 16;

const KEY_LENGTH: usize = 32;

/// A salt as it stands in a material and in a verifier.
pub(crate) fn salt_text(salt: &[u8; SALT_LENGTH]) -> String {
    BASE64.encode(salt)
}

/// The salt in a material; `None` for what is not one.
pub(crate) fn salt(text: &str) -> Option<[u8; SALT_LENGTH]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// The verifier of a password: always the same for the same salt. `None` where it would not be one, which the server would take
/// for a password in plain text.
pub(crate) fn verifier(password: &str, salt: &[u8; SALT_LENGTH], iterations: NonZeroU32) -> Option<String> {
    let mut salted = Zeroizing::new([0u8; KEY_LENGTH]);
    let prepared = prepared(password);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        prepared.as_bytes(),
        salted.as_mut_slice(),
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, salted.as_slice());
    let client = hmac::sign(&key, b"Client Key");
    let stored = digest::digest(&digest::SHA256, client.as_ref());
    let server = hmac::sign(&key, b"Server Key");
    let verifier = format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        salt_text(salt),
        BASE64.encode(stored),
        BASE64.encode(server)
    );
    is_verifier(&verifier).then_some(verifier)
}

/// Whether the server takes the text for a verifier. It stores anything else as a password, after logging the statement.
pub(crate) fn is_verifier(text: &str) -> bool {
    let Some([iterations, salt, stored, server]) = parts(text) else {
        return false;
    };
    let plain = !iterations.starts_with('0') && iterations.bytes().all(|byte| byte.is_ascii_digit());
    let enough = iterations.parse::<u32>().is_ok_and(|count| count >= FEWEST_ITERATIONS);
    let key = |text| BASE64.decode(text).is_ok_and(|bytes| bytes.len() == KEY_LENGTH);
    plain && enough && self::salt(salt).is_some() && key(stored) && key(server)
}

fn parts(text: &str) -> Option<[&str; 4]> {
    let (first, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = first.split_once(':')?;
    let (stored, server) = keys.split_once(':')?;
    Some([iterations, salt, stored, server])
}

/// The password as clients hash it: prepared by SASLprep (RFC 4013) where it can be, and as it is otherwise. The server and libpq
/// do the same.
fn prepared(password: &str) -> Cow<'_, str> {
    if password.is_ascii() {
        return Cow::Borrowed(password);
    }
    match stringprep::saslprep(password) {
        // One of which nothing is left is taken as it is, too.
        Ok(prepared) if !prepared.is_empty() => prepared,
        Ok(_) | Err(_) => Cow::Borrowed(password),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: [u8; SALT_LENGTH] = *b"0123456789abcdef";

    fn of(password: &str, iterations: u32) -> String {
        verifier(password, &SALT, NonZeroU32::new(iterations).unwrap()).unwrap()
    }

    /// PostgreSQL's own protocol crate makes the salt itself, so that ours is taken from what it made.
    fn theirs(password: &str) -> (String, [u8; SALT_LENGTH]) {
        let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
        let salt = salt(parts(&verifier).unwrap()[1]).unwrap();
        (verifier, salt)
    }

    #[test]
    fn the_same_password_salt_and_count_make_the_same_verifier() {
        assert_eq!(of("hunter2", 4096), of("hunter2", 4096));
        assert_ne!(of("hunter2", 4096), of("hunter2", 8192));
        assert!(of("hunter2", 8192).starts_with("SCRAM-SHA-256$8192:MDEyMzQ1Njc4OWFiY2RlZg==$"));
    }

    #[test]
    fn fewer_iterations_than_the_standard_asks_for_make_no_verifier() {
        assert_eq!(verifier("x", &SALT, NonZeroU32::new(4095).unwrap()), None);
    }

    #[test]
    fn what_the_server_would_take_for_a_password_is_no_verifier() {
        let good = of("x", 4096);
        assert!(is_verifier(&good));
        for bad in [
            "hunter2".to_owned(),
            good.replace("SCRAM-SHA-256", "scram-sha-256"),
            good.replace("4096", "04096"),
            good.replace("4096", "1"),
            good.replace("4096", "+4096"),
            good.replacen(':', "", 1),
            good[..good.len() - 4].to_owned(),
            format!("{good} "),
            format!("{good}="),
            good.replace("MDEy", "MD!y"),
        ] {
            assert!(!is_verifier(&bad), "{bad}");
        }
    }

    #[test]
    fn names_beyond_ascii_are_prepared_as_clients_do_it() {
        // A fullwidth letter, a non-breaking space, a ligature, a soft hyphen alone, an unassigned character, a control.
        for password in [
            "\u{ff21}bc",
            "a\u{a0}b",
            "\u{fb01}n",
            "\u{1f980}crab",
            "a\tb",
            "пароль",
            "I\u{ad}X",
        ] {
            let (expected, salt) = theirs(password);
            let ours = verifier(password, &salt, NonZeroU32::new(4096).unwrap());
            assert_eq!(ours.as_deref(), Some(expected.as_str()), "{password:?}");
        }
        assert_eq!(prepared("\u{ff21}"), "A");
        assert_eq!(prepared("\u{ad}"), "\u{ad}");
        assert_eq!(prepared("\u{1f980}"), "\u{1f980}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn it_agrees_with_the_protocol_crate(password in "\\PC{1,40}") {
            // Of a password that is prepared to nothing, the crate hashes nothing and the server the password as it is.
            prop_assume!(stringprep::saslprep(&password).map_or(true, |prepared| !prepared.is_empty()));
            let (expected, salt) = theirs(&password);
            let ours = verifier(&password, &salt, NonZeroU32::new(4096).unwrap());
            prop_assert_eq!(ours, Some(expected));
        }

        #[test]
        fn a_salt_is_read_as_it_was_written(salt: [u8; SALT_LENGTH]) {
            prop_assert_eq!(self::salt(&salt_text(&salt)), Some(salt));
        }
    }
}
