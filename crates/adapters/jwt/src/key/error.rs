use thiserror::Error;

/// Why a key could not be read, made or used. Every message says what is wrong and what to do about it, and none
/// quotes a byte of the key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is no armour at all.
    #[error(
        "no PEM block found: the file must contain a line `-----BEGIN ...-----`; convert DER with `openssl pkey -inform DER`"
    )]
    NotPem,
    /// A block begins and never ends.
    #[error("the `{label}` block has no END line: the file is truncated; copy it again from its source")]
    Truncated {
        /// The label in the BEGIN line.
        label: String,
    },
    /// The text between BEGIN and END is not base64.
    #[error(
        "the text inside of the `{label}` block is not base64 in lines of one length: copy the file again from its source"
    )]
    Armour {
        /// The label in the BEGIN line.
        label: String,
    },
    /// More than one key in one file.
    #[error("the file holds {count} PEM blocks ({labels}): put every key into a file of its own")]
    SeveralBlocks {
        /// How many.
        count: usize,
        /// Their labels, joined by commas.
        labels: String,
    },
    /// The key is protected by a passphrase.
    #[error(
        "the private key is protected by a passphrase: write it without one with `openssl pkey -in KEY.pem -out PLAIN.pem` and give that file"
    )]
    Encrypted,
    /// A public key where a private one is needed.
    #[error("the file holds a public key (`{label}`) where a private key is needed: give the private key's file")]
    PublicInsteadOfPrivate {
        /// The label in the BEGIN line.
        label: String,
    },
    /// A private key where a public one is needed.
    #[error(
        "the file holds a private key (`{label}`) where a public key is needed: write the public half with `openssl pkey -in KEY.pem -pubout -out PUBLIC.pem`"
    )]
    PrivateInsteadOfPublic {
        /// The label in the BEGIN line.
        label: String,
    },
    /// A block that is no key that we know.
    #[error("a `{label}` block is not supported: convert the key with `openssl pkey -in KEY.pem -out PKCS8.pem`")]
    UnsupportedBlock {
        /// The label in the BEGIN line.
        label: String,
    },
    /// A key for a purpose or curve that no algorithm of ours uses.
    #[error("the key is of an unsupported kind ({kind}): use RSA, EC P-256 or Ed25519")]
    UnsupportedKind {
        /// What it is, as far as it says so: usually an object identifier.
        kind: String,
    },
    /// A good key for another algorithm.
    #[error("{algorithm} needs an {wanted} key, but this is an {found} key: change the algorithm or give another key")]
    WrongKind {
        /// The algorithm that was asked for.
        algorithm: super::Algorithm,
        /// What it needs.
        wanted: &'static str,
        /// What the file holds.
        found: &'static str,
    },
    /// The armour is whole and what it holds is not.
    #[error(
        "the `{label}` block does not hold {wanted}: it is damaged or truncated; copy the file again from its source"
    )]
    Malformed {
        /// The label in the BEGIN line.
        label: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// A modulus below the minimum.
    #[error(
        "the RSA key has {bits} bits and at least {minimum} are needed: generate a larger one, or lower the minimum in the policy (never below 2048)"
    )]
    TooSmall {
        /// Bits of the modulus.
        bits: u32,
        /// The minimum that applies.
        minimum: u32,
    },
    /// A modulus that verifiers refuse.
    #[error("the RSA key has {bits} bits; sizes from 2048 to 8192 in whole bytes are supported: use 4096")]
    UnsupportedSize {
        /// Bits of the modulus.
        bits: u32,
    },
    /// The numbers of an RSA key contradict each other.
    #[error("the numbers in the RSA key do not belong together: the file is damaged; restore it from a backup")]
    Inconsistent,
    /// An elliptic curve point that is compressed or not on its curve.
    #[error(
        "the public point is compressed or not on its curve: convert the key with `openssl ec -conv_form uncompressed`"
    )]
    BadPoint,
    /// The two files of a pair are of different keys.
    #[error(
        "the public key does not belong to the private key (their thumbprints are {public} and {private}): write the public half again with `openssl pkey -in KEY.pem -pubout -out PUBLIC.pem`"
    )]
    PairMismatch {
        /// Thumbprint of the public file.
        public: String,
        /// Thumbprint of the private key's public half.
        private: String,
    },
    /// A name that is none of ours.
    #[error("`{name}` is not a supported algorithm: use RS256, PS256, ES256 or EdDSA")]
    UnknownAlgorithm {
        /// What was given.
        name: String,
    },
    /// The cryptographic engine refused to work, for example for lack of memory.
    #[error(
        "the cryptographic engine could not {what}: try again; if it persists, check memory and entropy of the machine"
    )]
    Engine {
        /// What it should have done.
        what: &'static str,
    },
}
