//! Chance that can be repeated: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
//! A stream is named by what it is for, so that one more draw in one place doesn't change all others.

pub(crate) struct Random(u64);

impl Random {
    /// The stream of this seed that is named by `parts`.
    pub fn of(seed: u64, parts: &[&str]) -> Self {
        // FNV-1a, with a separator that no part holds.
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(hash)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64 / (1u64 << 53) as f64) < probability
    }

    /// A whole number whose mean is `mean`: its whole part, and one more by chance.
    pub fn about(&mut self, mean: f64) -> usize {
        mean.max(0.0) as usize + usize::from(self.chance(mean.max(0.0).fract()))
    }

    /// One of `all`, which must not be empty.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub fn hex(&mut self, digits: usize) -> String {
        self.text(b"0123456789abcdef", digits)
    }

    /// As AWS writes its unique ids after the prefix (`AROA…`, `AKIA…`).
    pub fn upper(&mut self, digits: usize) -> String {
        self.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", digits)
    }

    pub fn mixed(&mut self, digits: usize) -> String {
        self.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", digits)
    }

    fn text(&mut self, alphabet: &[u8], digits: usize) -> String {
        (0..digits).map(|_| char::from(*self.pick(alphabet))).collect()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let (version, variant) = ((a & 0xfff) | 0x4000, (b >> 48) & 0x3fff | 0x8000);
        format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, b & 0xffff_ffff_ffff)
    }
}
