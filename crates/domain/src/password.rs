//! Passwords that we make.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::material::Secret;
use crate::ports::{Entropy, PortError};

/// Letters and digits: nothing that a URL, a shell, a connection string or a configuration file has to escape.
const DEFAULT_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DEFAULT_LENGTH: usize = 32;
/// What a password must be worth at the least, in bits.
const FEWEST_BITS: f64 = 128.0;
/// Longer passwords are cut off or refused by some clients.
const LONGEST: usize = 128;

/// How passwords are made: how long, and of which characters. The default is worth 190 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct PasswordRule {
    length: usize,
    alphabet: Vec<u8>,
}

/// A rule as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    length: Option<usize>,
    alphabet: Option<String>,
}

/// A rule by which no good password can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPasswordRule {
    /// A character that clients encode in different ways, or that ends a line.
    #[error("`alphabet` has {0:?} in it; use printable ASCII characters without the space")]
    Character(char),
    /// A character that would be more likely than the others.
    #[error("`alphabet` has {0:?} twice; name each character once")]
    Twice(char),
    /// Too long for some clients.
    #[error("`length` is {0}; the most is {LONGEST}")]
    TooLong(usize),
    /// Too easily guessed.
    #[error("`length` and `alphabet` make passwords worth {bits} bits; make them longer, up to at least 128 bits")]
    TooWeak {
        /// What they are worth.
        bits: u32,
    },
}

impl PasswordRule {
    /// Passwords of `length` characters of `alphabet`, each as likely as any other.
    ///
    /// # Errors
    /// [`InvalidPasswordRule`] where they would be weak, or could not be typed.
    pub fn new(length: usize, alphabet: &str) -> Result<Self, InvalidPasswordRule> {
        let mut characters = Vec::with_capacity(alphabet.len());
        for character in alphabet.chars() {
            let byte = u8::try_from(character).ok().filter(u8::is_ascii_graphic);
            let byte = byte.ok_or(InvalidPasswordRule::Character(character))?;
            if characters.contains(&byte) {
                return Err(InvalidPasswordRule::Twice(character));
            }
            characters.push(byte);
        }
        if length > LONGEST {
            return Err(InvalidPasswordRule::TooLong(length));
        }
        let rule = Self {
            length,
            alphabet: characters,
        };
        match rule.bits() {
            bits if bits < FEWEST_BITS => Err(InvalidPasswordRule::TooWeak { bits: bits as u32 }),
            _ => Ok(rule),
        }
    }

    /// How many bits a password is worth to somebody who guesses.
    pub fn bits(&self) -> f64 {
        match self.alphabet.len() {
            0 => 0.0,
            choices => self.length as f64 * (choices as f64).log2(),
        }
    }

    /// Makes a password. Bytes beyond the largest multiple of the alphabet are drawn again: the remainder alone would favour
    /// its first characters. (`rand` samples only from generators that cannot fail, and ours can.)
    ///
    /// # Errors
    /// Those of the entropy.
    pub fn generate(&self, entropy: &dyn Entropy) -> Result<Secret, PortError> {
        let choices = self.alphabet.len();
        let fair = 256 - 256 % choices;
        // The exact capacity matters: a vector that grows leaves unwiped copies behind.
        let mut password = Zeroizing::new(Vec::with_capacity(self.length));
        let mut drawn = Zeroizing::new([0u8; 64]);
        while password.len() < self.length {
            entropy.fill(drawn.as_mut_slice())?;
            let fit = drawn.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
            let missing = self.length - password.len();
            password.extend(fit.take(missing).map(|byte| self.alphabet[byte % choices]));
        }
        Ok(Secret::new(password))
    }
}

impl Default for PasswordRule {
    fn default() -> Self {
        Self::new(DEFAULT_LENGTH, DEFAULT_ALPHABET).expect("the defaults are strong")
    }
}

impl TryFrom<Written> for PasswordRule {
    type Error = InvalidPasswordRule;

    fn try_from(written: Written) -> Result<Self, InvalidPasswordRule> {
        let alphabet = written.alphabet.as_deref().unwrap_or(DEFAULT_ALPHABET);
        Self::new(written.length.unwrap_or(DEFAULT_LENGTH), alphabet)
    }
}

impl From<PasswordRule> for Written {
    fn from(rule: PasswordRule) -> Self {
        Self {
            length: Some(rule.length),
            alphabet: Some(rule.alphabet.iter().copied().map(char::from).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// SplitMix64: good enough to count with.
    #[derive(Debug)]
    struct Counted(AtomicU64);

    impl Entropy for Counted {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
            for byte in buffer {
                let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                *byte = (z ^ (z >> 31)) as u8;
            }
            Ok(())
        }
    }

    #[test]
    fn by_default_passwords_are_worth_190_bits_and_need_no_escapes() {
        let rule = PasswordRule::default();
        assert!(rule.bits() >= 190.0, "{}", rule.bits());
        let password = rule.generate(&Counted(AtomicU64::new(1))).unwrap();
        let text = password.expose_text().unwrap();
        assert_eq!(text.len(), 32);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        // With the bare remainder of 256 by 96 each of the first 64 characters would be half as likely again as the others.
        let alphabet: String = ('!'..='~').collect();
        let rule = PasswordRule::new(100, &alphabet).unwrap();
        let entropy = Counted(AtomicU64::new(7));
        let mut counts = [0f64; 128];
        for _ in 0..2_000 {
            let password = rule.generate(&entropy).unwrap();
            password
                .expose()
                .iter()
                .for_each(|byte| counts[usize::from(*byte)] += 1.0);
        }
        let expected = 200_000.0 / 94.0;
        let deviation = |count: &f64| (count - expected).powi(2) / expected;
        let chi: f64 = counts[33..=126].iter().map(deviation).sum();
        // 93 degrees of freedom: above 150 once in ten thousand runs of an honest generator; the seed is fixed.
        assert!(chi < 150.0, "{chi}");
    }

    #[test]
    fn a_rule_is_read_as_people_write_it() {
        let read = |text: &str| serde_json::from_str::<PasswordRule>(text);
        assert_eq!(read("{}").unwrap(), PasswordRule::default());
        let hex = read(r#"{"length": 48, "alphabet": "0123456789abcdef"}"#).unwrap();
        assert_eq!(hex, PasswordRule::new(48, "0123456789abcdef").unwrap());
        assert_eq!(hex.bits(), 192.0);
        assert!(read(r#"{"length": 8}"#).is_err());
    }

    #[test]
    fn rules_that_make_bad_passwords_are_refused() {
        let refused = |length, alphabet: &str| PasswordRule::new(length, alphabet).unwrap_err();
        assert_eq!(refused(64, "abc d"), InvalidPasswordRule::Character(' '));
        assert_eq!(refused(64, "abcé"), InvalidPasswordRule::Character('é'));
        assert_eq!(refused(64, "abca"), InvalidPasswordRule::Twice('a'));
        assert_eq!(refused(129, DEFAULT_ALPHABET), InvalidPasswordRule::TooLong(129));
        assert_eq!(refused(16, DEFAULT_ALPHABET), InvalidPasswordRule::TooWeak { bits: 95 });
        assert_eq!(refused(64, "a"), InvalidPasswordRule::TooWeak { bits: 0 });
        assert_eq!(refused(64, ""), InvalidPasswordRule::TooWeak { bits: 0 });
    }

    proptest! {
        #[test]
        fn passwords_have_the_length_and_the_characters_of_their_rule(length in 43usize..=128, seed: u64) {
            let rule = PasswordRule::new(length, "abcdefgh-_").unwrap();
            let password = rule.generate(&Counted(AtomicU64::new(seed))).unwrap();
            let text = password.expose_text().unwrap();
            prop_assert_eq!(text.len(), length);
            prop_assert!(text.chars().all(|c| "abcdefgh-_".contains(c)));
        }
    }
}
