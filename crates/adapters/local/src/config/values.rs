use jiff::SignedDuration;
use keywheel_domain::policy::parse_length;
use serde::Deserialize;

/// A length of time, written as `90 s`, `15 min` or `7 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Length(pub SignedDuration);

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_length(&text).map(Self).map_err(|error| error.to_string())
    }
}

/// The permissions of a file or folder, in octal text as `chmod` takes them: `0600`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Mode(pub u32);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.chars().all(|c| c.is_digit(8)) && (3..=4).contains(&text.len());
        let bits = u32::from_str_radix(&text, 8)
            .ok()
            .filter(|bits| digits && *bits <= 0o777);
        bits.map(Self)
            .ok_or_else(|| format!("{text:?} is not a mode; write it as `chmod` takes it, such as \"0640\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_text() {
        for (text, bits) in [("0600", 0o600), ("644", 0o644), ("0755", 0o755)] {
            assert_eq!(Mode::try_from(text.to_owned()), Ok(Mode(bits)));
        }
        for bad in ["", "6", "0800", "-600", "+600", "rw-------", "4755", "00600"] {
            assert!(Mode::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_are_read_as_the_policy_reads_them() {
        assert_eq!(
            Length::try_from("90 s".to_owned()),
            Ok(Length(SignedDuration::from_secs(90)))
        );
        assert!(Length::try_from("90".to_owned()).unwrap_err().contains("write `90 s`"));
    }
}
