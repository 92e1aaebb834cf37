//! What every source of randomness has to keep. That nobody can guess the bytes is beyond a test.

use keywheel_domain::ports::Entropy;

/// Runs every check.
///
/// # Panics
/// Where the source breaks the contract.
pub fn check(entropy: &dyn Entropy) {
    every_byte_of_the_buffer_is_filled(entropy);
    no_two_fillings_are_the_same(entropy);
    an_empty_buffer_is_filled_with_nothing(entropy);
}

fn fill(entropy: &dyn Entropy) -> [u8; 33] {
    let mut buffer = [0; 33];
    entropy.fill(&mut buffer).expect("the system gives random bytes");
    buffer
}

/// A byte that stays zero in sixteen fillings was never touched, but for one time in 2^123.
pub fn every_byte_of_the_buffer_is_filled(entropy: &dyn Entropy) {
    let mut touched = [0; 33];
    for _ in 0..16 {
        let filled = fill(entropy);
        touched
            .iter_mut()
            .zip(filled)
            .for_each(|(touched, byte)| *touched |= byte);
    }
    assert!(touched.iter().all(|byte| *byte != 0), "{touched:?}");
}

/// Nonces depend on it.
pub fn no_two_fillings_are_the_same(entropy: &dyn Entropy) {
    let mut seen = std::collections::BTreeSet::new();
    assert!((0..1000).all(|_| seen.insert(fill(entropy))));
}

/// Nothing is no error.
pub fn an_empty_buffer_is_filled_with_nothing(entropy: &dyn Entropy) {
    entropy.fill(&mut []).expect("nothing can be filled");
}
