//! Signing keys: generation, import, export and signatures.
//!
//! Two engines share the work. `aws-lc-rs` does everything that touches a private number: it generates, signs and
//! verifies, in constant time. The `rsa` crate only reads and checks what is on disk (PKCS#1, PKCS#8, the arithmetic
//! of an imported key); it never signs or decrypts here, because its private operations leak their time
//! (RUSTSEC-2023-0071).

mod algorithm;
mod armour;
mod error;
mod generate;
mod private;
mod public;

pub use algorithm::Algorithm;
pub(crate) use algorithm::Family;
pub use error::KeyError;
pub use private::PrivateKey;
pub use public::PublicKey;

/// The smallest RSA modulus, in bits, that a policy asks for unless it says otherwise.
pub const DEFAULT_RSA_BITS: u32 = 4096;

/// The smallest RSA modulus, in bits, that is ever read or verified with, whatever a policy says (NIST SP 800-131A).
pub const FLOOR_RSA_BITS: u32 = 2048;

/// The largest RSA modulus, in bits, that the verifiers of `aws-lc-rs` take.
pub const CEILING_RSA_BITS: u32 = 8192;
