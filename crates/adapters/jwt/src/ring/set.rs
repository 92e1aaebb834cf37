use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonwebtoken::DecodingKey;

use super::RingError;
use super::folder::{Files, KeyFiles};
use super::sign::Signer;
use crate::jwk::Kid;
use crate::key::{Algorithm, FLOOR_RSA_BITS, KeyError, PrivateKey, PublicKey};

/// One loaded set: immutable, so that readers share it without a lock.
pub(crate) struct KeySet {
    credential: String,
    revision: u64,
    primary: Kid,
    loaded_at: u64,
    /// The primary comes first: most tokens without a `kid` are its.
    keys: Vec<VerifyingKey>,
    index: HashMap<Kid, usize>,
    pub(super) signer: Option<Signer>,
    /// Of every key that this ring ever held, so that counts survive reloads and late use of a removed key is seen.
    tallies: BTreeMap<Kid, Arc<Tally>>,
}

pub(crate) struct VerifyingKey {
    pub(super) kid: Kid,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
    pub(super) tally: Arc<Tally>,
}

/// What happened to tokens of one key. Relaxed counters: nothing is ordered by them, and a verification costs a
/// thousand times as much as an increment.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) signed: Count,
    pub(super) verified: Count,
    /// When a token of the key was accepted last, in seconds since 1970; zero before that.
    pub(super) last_verified: AtomicU64,
    /// Tokens that were refused because the key had been removed.
    pub(super) too_late: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Tally {
    pub(super) fn count_verified(&self, now: u64) {
        self.verified.add_one();
        self.last_verified.store(now, Ordering::Relaxed);
    }
}

impl Count {
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl KeySet {
    /// Checks every file of a set against its manifest. `previous` hands its counts on.
    pub(super) fn build(files: Files, previous: Option<&Self>, now: u64) -> Result<Self, RingError> {
        let Files {
            base,
            manifest,
            keys: files,
        } = files;
        if let Some(previous) = previous
            && previous.credential != manifest.credential
        {
            let (loaded, found) = (previous.credential.clone(), manifest.credential);
            return Err(RingError::OtherCredential { loaded, found });
        }
        let mut set = Self {
            credential: manifest.credential,
            revision: manifest.revision,
            loaded_at: now,
            tallies: previous.map(|set| set.tallies.clone()).unwrap_or_default(),
            ..Self::empty(manifest.primary)
        };
        for file in &files {
            set.add(&base, file)?;
        }
        set.sort();
        Ok(set)
    }

    /// A set that only verifies, from keys that come without a manifest.
    pub(crate) fn of_public_keys(keys: &[(PublicKey, Algorithm)]) -> Self {
        let primary = keys.first().map_or_else(|| Kid::from(""), |(key, _)| key.kid().clone());
        let mut set = Self::empty(primary);
        for (key, algorithm) in keys {
            set.push(key, *algorithm);
        }
        set.sort();
        set
    }

    fn empty(primary: Kid) -> Self {
        // An application that compiles a second engine into `jsonwebtoken` would panic at its first token unless one
        // is chosen. Whoever chose before us is left alone.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        Self {
            credential: String::new(),
            revision: 0,
            primary,
            loaded_at: 0,
            keys: Vec::new(),
            index: HashMap::new(),
            signer: None,
            tallies: BTreeMap::new(),
        }
    }

    fn add(&mut self, base: &Path, file: &KeyFiles) -> Result<(), RingError> {
        let path = base.join(&file.entry.public);
        let public = PublicKey::from_pem(&file.public)
            .and_then(|key| key.fits(file.entry.alg).map(|()| key))
            .map_err(|source| RingError::Key {
                path: path.clone(),
                source,
            })?;
        if *public.kid() != file.entry.kid {
            let (expected, actual) = (file.entry.kid.clone(), public.kid().clone());
            return Err(RingError::OtherKey { path, expected, actual });
        }
        let tally = self.push(&public, file.entry.alg);
        if let (Some(name), Some(pem)) = (&file.entry.private, &file.private) {
            let key = private_half(pem, &public, file.entry.alg).map_err(|source| RingError::Key {
                path: base.join(name),
                source,
            })?;
            if file.entry.kid == self.primary {
                self.signer = Some(Signer::new(key, tally));
            }
        }
        Ok(())
    }

    fn push(&mut self, key: &PublicKey, algorithm: Algorithm) -> Arc<Tally> {
        let kid = key.kid().clone();
        let tally = Arc::clone(self.tallies.entry(kid.clone()).or_default());
        self.keys.push(VerifyingKey {
            kid,
            algorithm,
            decoding: key.decoding_key(),
            tally: Arc::clone(&tally),
        });
        tally
    }

    fn sort(&mut self) {
        self.keys.sort_by_key(|key| key.kid != self.primary);
        self.index = self
            .keys
            .iter()
            .enumerate()
            .map(|(place, key)| (key.kid.clone(), place))
            .collect();
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.index.get(kid).map(|place| &self.keys[*place])
    }

    pub(super) fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    pub(super) fn tally(&self, kid: &str) -> Option<&Tally> {
        self.tallies.get(kid).map(Arc::as_ref)
    }

    pub(super) fn tallies(&self) -> impl Iterator<Item = (&Kid, &Tally)> {
        self.tallies.iter().map(|(kid, tally)| (kid, tally.as_ref()))
    }

    /// The names of the accepted keys, the primary's first.
    pub(crate) fn accepted(&self) -> Vec<Kid> {
        self.keys.iter().map(|key| key.kid.clone()).collect()
    }

    pub(super) fn credential(&self) -> &str {
        &self.credential
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn primary(&self) -> &Kid {
        &self.primary
    }

    pub(super) fn loaded_at(&self) -> u64 {
        self.loaded_at
    }
}

/// The policy's minimum size was applied when the key was made or adopted; an application verifies whatever it is
/// given, down to the floor.
fn private_half(pem: &[u8], public: &PublicKey, algorithm: Algorithm) -> Result<PrivateKey, KeyError> {
    let key = PrivateKey::from_pem(pem, Some(algorithm), FLOOR_RSA_BITS)?;
    key.belongs_to(public)?;
    Ok(key)
}
