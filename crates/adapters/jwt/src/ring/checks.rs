use jsonwebtoken::Validation;

use crate::key::Algorithm;

/// What an application demands of a token's claims: expiry, not-before, audience, issuer, subject.
///
/// Made once and used for every token. Build it from a [`jsonwebtoken::Validation`]; the `algorithms` in there are
/// not used, because the key that a token names dictates its algorithm.
#[derive(Clone, Debug)]
pub struct Checks {
    by_algorithm: [Validation; Algorithm::ALL.len()],
}

impl Checks {
    pub(super) fn under(&self, algorithm: Algorithm) -> &Validation {
        &self.by_algorithm[algorithm as usize]
    }
}

impl From<Validation> for Checks {
    fn from(demands: Validation) -> Self {
        let by_algorithm = Algorithm::ALL.map(|algorithm| {
            let mut demands = demands.clone();
            demands.algorithms = vec![algorithm.jose()];
            demands
        });
        Self { by_algorithm }
    }
}

impl Default for Checks {
    /// `exp` must be there and in the future, `nbf` must be in the past if it is there, both with 60 seconds of
    /// leeway; a token with an `aud` is refused, because this application has not said that it is meant (RFC 7519
    /// section 4.1.3).
    fn default() -> Self {
        let mut demands = Validation::new(jsonwebtoken::Algorithm::RS256);
        demands.validate_nbf = true;
        Self::from(demands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_every_algorithm_only_that_algorithm_is_allowed() {
        let checks = Checks::from(Validation::new(jsonwebtoken::Algorithm::HS256));
        for algorithm in Algorithm::ALL {
            assert_eq!(checks.under(algorithm).algorithms, [algorithm.jose()]);
        }
    }
}
