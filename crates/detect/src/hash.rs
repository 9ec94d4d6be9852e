//! A fast hash for short byte strings from hostile input: folded multiplication with a seed that differs from run to run,
//! so that nobody can prepare collisions. std's SipHash takes a quarter of a hunt's time.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map with [`Seed`]ed hashing. Its order means nothing.
pub(crate) type FastMap<K, V> = HashMap<K, V, Seed>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Default for Seed {
    fn default() -> Seed {
        Seed(RandomState::new().hash_one(0u64) | 1)
    }
}

impl BuildHasher for Seed {
    type Hasher = Folded;
    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

pub(crate) struct Folded(u64);

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Folded {
    /// Both factors hold the state, which nobody outside knows, so that nobody can choose words that make one zero.
    fn mix(&mut self, a: u64, b: u64) {
        let wide = u128::from(self.0 ^ a).wrapping_mul(u128::from(ODD ^ self.0.rotate_left(32) ^ b));
        self.0 = (wide as u64) ^ (wide >> 64) as u64;
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let (pairs, odd) = words.as_chunks::<2>();
        for [a, b] in pairs {
            self.mix(u64::from_le_bytes(*a), u64::from_le_bytes(*b));
        }
        let mut last = [0u8; 8];
        last[..rest.len()].copy_from_slice(rest);
        let a = odd.first().map_or(0, |word| u64::from_le_bytes(*word));
        self.mix(a, u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n), 0);
    }

    fn write_u32(&mut self, n: u32) {
        self.mix(u64::from(n), 0);
    }

    fn write_u64(&mut self, n: u64) {
        self.mix(n, 0);
    }

    fn write_usize(&mut self, n: usize) {
        self.mix(n as u64, 0);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}
