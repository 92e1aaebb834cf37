//! Clients that authenticate all the time, at the worst moments.

use std::fmt;

use jiff::Timestamp;
use keywheel_domain::id::VersionNumber;
use keywheel_domain::plan::Overlap;

use super::fingerprint::Fingerprint;
use super::fleet::Shown;
use super::{Arc, State};

/// As many refusals as a story needs; the rest is counted.
const MOST_RECORDED: usize = 8;

/// A client that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Right after what.
    pub after: &'static str,
    /// The version that it presented; `None` where its material belongs to no version that the company knows.
    pub version: Option<VersionNumber>,
    /// Who refused it.
    pub by: String,
    /// Whether it showed a token that was signed earlier.
    pub token: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.token { "a live token of" } else { "a client with" };
        let version = self
            .version
            .map_or("unknown material".to_owned(), |v| format!("version {v}"));
        write!(
            f,
            "{}: {what} {version} was refused by {} after {}",
            self.at, self.by, self.after
        )
    }
}

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
}

impl State {
    /// Every view that some instance may be running at this moment: what instances run, and what one that restarts now reads.
    pub fn views(&self) -> impl Iterator<Item = &Arc<Shown>> {
        let members = self.fleets.iter().flat_map(|fleet| &fleet.members);
        let running = members.filter_map(|member| member.running.as_ref());
        running.chain(self.stores.iter().flatten())
    }

    /// Every client authenticates.
    pub fn tick(&mut self, after: &'static str) {
        if self.setup.style.overlap() == Overlap::KeyRing {
            self.sign();
            self.verify(after);
        } else {
            self.log_in(after);
        }
    }

    /// Consumers present what they run, and the authority accepts it or not.
    fn log_in(&mut self, after: &'static str) {
        let authority = &self.authority;
        let refused = self.views().filter(|shown| !authority.accepts(shown.primary));
        let refused: Vec<_> = refused.map(|shown| shown.primary).collect();
        for presented in refused {
            self.refuse(after, presented, "the issuer".to_owned(), false);
        }
    }

    /// Whoever may be a signer signs something now.
    fn sign(&mut self) {
        let expires = self.now.saturating_add(self.lifetime()).unwrap_or(Timestamp::MAX);
        let mut tokens = std::mem::take(&mut self.tokens);
        tokens.retain(|(_, until)| *until > self.now);
        for shown in self.views() {
            match tokens.iter_mut().find(|(key, _)| *key == shown.primary) {
                Some((_, until)) => *until = expires.max(*until),
                None => tokens.push((shown.primary, expires)),
            }
        }
        self.tokens = tokens;
    }

    /// Every verifier is shown a token of every signer, and everything that was signed and has not expired.
    fn verify(&mut self, after: &'static str) {
        let mut refused = Vec::new();
        for verifier in self.views() {
            for (key, _) in self.tokens.iter().filter(|(key, _)| !verifier.accepts(*key)) {
                let signed_now = self.views().any(|shown| shown.primary == *key);
                refused.push((*key, format!("a verifier of {}", verifier.view), !signed_now));
            }
        }
        for (key, by, token) in refused {
            self.refuse(after, key, by, token);
        }
    }

    fn refuse(&mut self, after: &'static str, presented: Fingerprint, by: String, token: bool) {
        self.refused += 1;
        let version = self.version_of(presented);
        self.refused_versions.insert(version);
        let known = |refusal: &Refusal| refusal.version == version && refusal.by == by && refusal.token == token;
        if self.refusals.len() < MOST_RECORDED && !self.refusals.iter().any(known) {
            self.refusals.push(Refusal {
                at: self.now,
                after,
                version,
                by,
                token,
            });
        }
    }

    /// Notes something that must never happen.
    pub(crate) fn breach(&mut self, what: String) {
        self.breaches.push(Breach { at: self.now, what });
    }

    /// Whether what instances really run is accepted: what a health check would see.
    pub(crate) fn is_suffering(&self) -> Option<String> {
        if self.now < self.sick_until {
            return Some("the error rate is high".to_owned());
        }
        let members = self.fleets.iter().flat_map(|fleet| &fleet.members);
        let running: Vec<_> = members.filter_map(|member| member.running.as_ref()).collect();
        let ring = self.setup.style.overlap() == Overlap::KeyRing;
        let refused = running.iter().find(|shown| {
            if ring {
                !running.iter().all(|verifier| verifier.accepts(shown.primary))
            } else {
                !self.authority.accepts(shown.primary)
            }
        });
        refused.map(|shown| format!("instances that run r{} are refused", shown.view.revision))
    }
}
