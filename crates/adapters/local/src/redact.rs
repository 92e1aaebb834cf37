//! What a command or a server printed, for people: its last lines, without what looks like a secret.
//!
//! Nobody can tell every secret from every word, so this hides too much rather than too little: private key blocks, values
//! of names such as `password`, credentials in URLs, and every word with a long run of letters and digits.

use zeroize::Zeroizing;

const HIDDEN: &str = "[redacted]";
/// Enough to see what went wrong.
const SHOWN_LINES: usize = 5;
const SHOWN_CHARACTERS: usize = 600;
/// A run of letters and digits that is longer than names and numbers usually are.
const LONG_RUN: usize = 16;
const TELLING: [&str; 10] = [
    "passw",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private_key",
    "credential",
];
const ANNOUNCING: [&str; 3] = ["bearer", "basic", "authorization"];

/// The last lines of an output in one line, with secrets hidden. Empty where nothing was printed.
pub(crate) fn excerpt(output: &[u8]) -> String {
    let text = Zeroizing::new(String::from_utf8_lossy(output).into_owned());
    let mut block = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let begins = line.contains("-----BEGIN");
        if begins || block {
            block = !line.contains("-----END");
            if begins {
                lines.push(HIDDEN.to_owned());
            }
            continue;
        }
        let line = redact_line(line);
        if !line.is_empty() {
            lines.push(line);
        }
    }
    let last = lines.split_off(lines.len().saturating_sub(SHOWN_LINES));
    last.join(" / ").chars().take(SHOWN_CHARACTERS).collect()
}

fn redact_line(line: &str) -> String {
    let mut words = Vec::new();
    let mut announced = false;
    for word in line
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        let bare = word.trim_matches(|c: char| c.is_ascii_punctuation()).to_lowercase();
        let telling = TELLING.iter().any(|name| bare.contains(name));
        let has_value = word
            .trim_end_matches(|c: char| c.is_ascii_punctuation())
            .contains(['=', ':']);
        let hide = announced || (telling && has_value) || is_login(word) || has_long_run(word);
        let announces = telling && (word.ends_with([':', '=']) || word.starts_with('-') || word.ends_with("\":"));
        announced = (announces && !has_value) || ANNOUNCING.contains(&bare.as_str());
        words.push(if hide { HIDDEN } else { word });
    }
    words.join(" ")
}

/// `scheme://user:password@host`.
fn is_login(word: &str) -> bool {
    word.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// Keys, tokens and hashes: letters and digits in one run, in the alphabets of base64 and hexadecimal. Slashes end a run, or
/// every path would be one.
fn has_long_run(word: &str) -> bool {
    let in_run = |c: char| c.is_ascii_alphanumeric() || "+_=-".contains(c);
    word.split(|c: char| !in_run(c)).any(|run| {
        run.len() >= LONG_RUN
            && run.contains(|c: char| c.is_ascii_digit())
            && run.contains(|c: char| c.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_every_form_that_can_be_told() {
        for (printed, shown) in [
            ("password=hunter2 is wrong", "[redacted] is wrong"),
            ("password: hunter2 is wrong", "password: [redacted] is wrong"),
            (r#"{"password":"hunter2"}"#, "[redacted]"),
            (r#""password": "hunter2","#, r#""password": [redacted]"#),
            ("login --password hunter2", "login --password [redacted]"),
            ("Authorization: Bearer abc.def", "Authorization: [redacted] [redacted]"),
            (
                "cannot reach redis://default:hunter2@cache:6379/0",
                "cannot reach [redacted]",
            ),
            ("key eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "key [redacted]"),
            ("got c2VjcmV0LXNlY3JldC0xMjM0NTY3ODk=", "got [redacted]"),
            ("sum 9f86d081884c7d659a2feaa0c55ad015", "sum [redacted]"),
            ("GOIMG_SECRET=hunter2", "[redacted]"),
        ] {
            assert_eq!(excerpt(printed.as_bytes()), shown, "{printed}");
        }
    }

    #[test]
    fn a_private_key_is_hidden_whole() {
        let printed = "before\n-----BEGIN PRIVATE KEY-----\nMIIE\nab cd\n-----END PRIVATE KEY-----\nafter\n";
        assert_eq!(excerpt(printed.as_bytes()), "before / [redacted] / after");
        assert_eq!(excerpt(b"-----BEGIN PRIVATE KEY-----\nMIIE cut off"), "[redacted]");
    }

    #[test]
    fn what_people_need_stays() {
        for line in [
            "goimg-api.service: Unit not found.",
            "cannot open /etc/goimg/production.yaml: No such file",
            "exit status 3, 12 of 15 ready",
        ] {
            assert_eq!(excerpt(line.as_bytes()), line);
        }
    }

    #[test]
    fn only_the_last_lines_are_shown_without_control_characters() {
        let many: String = (0..20).map(|number| format!("line {number}\n")).collect();
        assert_eq!(
            excerpt(many.as_bytes()),
            "line 15 / line 16 / line 17 / line 18 / line 19"
        );
        assert_eq!(excerpt(b"\x1b[31mred\x1b[0m \xff"), "[31mred [0m \u{fffd}");
        assert_eq!(excerpt(&[b'x'; 5000]).len(), 600);
        assert_eq!(excerpt(b""), "");
    }
}
