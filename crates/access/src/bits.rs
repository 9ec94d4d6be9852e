//! Rows of bits: states of a pattern's automaton, and sets of statements.

/// A row of bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub fn new(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    pub fn set(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
    }

    pub fn get(&self, i: usize) -> bool {
        self.words[i / 64] & (1 << (i % 64)) != 0
    }

    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Whether every bit of `other` is set here, too.
    pub fn holds(&self, other: &Bits) -> bool {
        self.words.iter().zip(&other.words).all(|(a, b)| a & b == *b)
    }

    /// Sets the bits that `other` has, too.
    pub fn add(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, o)| *word |= o);
    }

    /// Takes away the bits that `other` has.
    pub fn minus(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, o)| *word &= !o);
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The places of the bits that are set.
    pub fn ones(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(w, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(w * 64 + bit)
            })
        })
    }

    /// Every bit one place up.
    pub fn shift(&mut self) {
        let mut carry = 0;
        for word in &mut self.words {
            let out = *word >> 63;
            *word = *word << 1 | carry;
            carry = out;
        }
    }

    /// Keeps just the bits that `mask` has, too.
    pub fn keep(&mut self, mask: &Bits) {
        self.words.iter_mut().zip(&mask.words).for_each(|(word, m)| *word &= m);
    }

    /// Every bit from the lowest that is set.
    pub fn fill_up(&mut self) {
        let mut above = false;
        for word in &mut self.words {
            if above {
                *word = u64::MAX;
            } else if *word != 0 {
                *word |= u64::MAX << word.trailing_zeros();
                above = true;
            }
        }
    }

    /// A set bit `j` also sets `j + 1` where `open(j)`.
    pub fn spread(&mut self, open: impl Fn(usize) -> bool) {
        for j in 0..self.len - 1 {
            if self.get(j) && open(j) {
                self.set(j + 1);
            }
        }
    }
}
