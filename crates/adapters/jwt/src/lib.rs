#![doc = include_str!("../README.md")]

pub mod adopt;
pub mod config;
mod error;
pub mod issuer;
pub mod jwk;
pub mod key;
pub mod ring;

#[cfg(test)]
mod testing;

pub use adopt::{Adopted, adopt};
pub use config::{ConfigError, KeyRingConfig, VerifierConfig};
pub use issuer::KeyRingIssuer;
pub use jwk::{Jwk, JwkSet, Kid};
pub use key::{Algorithm, KeyError, PrivateKey, PublicKey};
pub use ring::{Checks, KeyRing, Manifest, Refusal, Report, Verified};
