//! Patterns with `*` and `?`, as policies write them.
//!
//! Matching takes time proportional to pattern × text / 64 whatever the pattern is: a policy is hostile input, and a
//! backtracking matcher can be made to take for ever. What a policy says of *all* texts of a pattern is answered by
//! walking the product of the patterns' automata ([`representatives`]), so it needs no sampling.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// Texts longer than this are refused before they reach a pattern. AWS's ARNs end at 2,048.
pub const MAX_TEXT: usize = 8192;

/// States of the product that [`representatives`] looks at before it gives up.
const MAX_STATES: usize = 50_000;

/// Steps of single patterns, in words of their states.
const MAX_WORK: usize = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    Char(char),
    /// A character in either case.
    Fold(char),
    One,
    Many,
    /// Any characters but a colon.
    Within,
    /// One character that is no colon.
    OneWithin,
    /// No character at all: what comes of a pattern that only texts beyond [`MAX_TEXT`] could match.
    Never,
}

/// A piece of a pattern's source: text is taken as it is, a wildcard is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Char(char),
    One,
    Many,
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob {
    tokens: Vec<Token>,
}

/// The pieces of a pattern in which `*` and `?` are wildcards.
pub fn pieces(pattern: &str) -> Vec<Piece> {
    let piece = |c| match c {
        '*' => Piece::Many,
        '?' => Piece::One,
        c => Piece::Char(c),
    };
    pattern.chars().map(piece).collect()
}

impl Glob {
    /// A pattern whose wildcards stand for any text.
    pub fn text(pieces: &[Piece]) -> Glob {
        Glob::of(pieces.iter().map(|p| match p {
            Piece::Char(c) => Token::Char(*c),
            Piece::One => Token::One,
            Piece::Many => Token::Many,
        }))
    }

    /// A text without wildcards, in any case.
    pub fn any_case(text: &str) -> Glob {
        Glob::of(text.chars().map(|c| Token::Fold(lower(c))))
    }

    /// A pattern of `Resource`. In the first five fields of an ARN a wildcard stays within its field, unless it is a
    /// `*` that ends the field; fields that are missing are any (IAM user guide, "JSON policy elements: Resource").
    pub fn resource(pieces: &[Piece]) -> Glob {
        let is_arn = pieces.starts_with(&['a', 'r', 'n', ':'].map(Piece::Char));
        if !is_arn {
            return Glob::text(pieces);
        }
        let mut pieces = pieces.to_vec();
        let colons = pieces.iter().filter(|p| **p == Piece::Char(':')).count();
        for _ in colons..5 {
            pieces.extend([Piece::Char(':'), Piece::Many]);
        }
        let mut field = 1;
        let mut tokens = Vec::with_capacity(pieces.len());
        for (i, piece) in pieces.iter().enumerate() {
            let ends = pieces.get(i + 1).is_none_or(|next| *next == Piece::Char(':'));
            field += usize::from(*piece == Piece::Char(':'));
            tokens.push(match piece {
                Piece::Char(c) => Token::Char(*c),
                Piece::One if field < 6 => Token::OneWithin,
                Piece::One => Token::One,
                Piece::Many if field < 6 && !ends => Token::Within,
                Piece::Many => Token::Many,
            });
        }
        Glob::of(tokens)
    }

    /// A pattern that a request asks about: all ARNs, or all texts, that it covers. No resource has an empty name.
    pub fn asked(pattern: &str) -> Glob {
        let pieces = pieces(if pattern == "*" { "?*" } else { pattern });
        let arn = if pattern.starts_with("arn:") { Glob::arn(&pieces) } else { None };
        arn.unwrap_or_else(|| Glob::text(&pieces))
    }

    /// A pattern of the ARN condition operators: each of the six fields for itself. `None` if it has fewer.
    pub fn arn(pieces: &[Piece]) -> Option<Glob> {
        let mut field = 1;
        let mut tokens = Vec::with_capacity(pieces.len());
        for piece in pieces {
            field += usize::from(*piece == Piece::Char(':'));
            tokens.push(match piece {
                Piece::Char(c) => Token::Char(*c),
                Piece::One if field < 6 => Token::OneWithin,
                Piece::One => Token::One,
                Piece::Many if field < 6 => Token::Within,
                Piece::Many => Token::Many,
            });
        }
        (field >= 6).then(|| Glob::of(tokens))
    }

    /// Runs of `*` are one: without this, a megabyte of them would be a megabyte of states.
    fn of(tokens: impl IntoIterator<Item = Token>) -> Glob {
        let mut kept: Vec<Token> = Vec::new();
        for token in tokens {
            match (kept.last(), token) {
                (Some(Token::Many), Token::Many | Token::Within) | (Some(Token::Within), Token::Within) => {}
                (Some(Token::Within), Token::Many) => {
                    kept.pop();
                    kept.push(Token::Many);
                }
                _ => kept.push(token),
            }
        }
        let fixed = kept.iter().filter(|t| !matches!(t, Token::Many | Token::Within)).count();
        Glob { tokens: if fixed > MAX_TEXT { vec![Token::Never] } else { kept } }
    }

    /// Whether `text` is one that the pattern covers.
    pub fn matches(&self, text: &str) -> bool {
        let is_single = |t: &Token| !matches!(t, Token::Many | Token::Within);
        let head = self.tokens.iter().take_while(|t| is_single(t)).count();
        let mut letters = text.chars();
        if !self.tokens[..head].iter().all(|t| letters.next().is_some_and(|c| covers(*t, c))) {
            return false;
        }
        match &self.tokens[head..] {
            [] => letters.next().is_none(),
            [Token::Many] => true,
            rest => cover(rest, &letters.collect::<Vec<char>>()),
        }
    }

    /// Adds a state, and those that follow it without reading anything.
    fn enter(&self, states: &mut Bits, mut i: usize) {
        states.set(i);
        while matches!(self.tokens.get(i), Some(Token::Many | Token::Within)) {
            i += 1;
            states.set(i);
        }
    }

    fn start(&self) -> Bits {
        let mut states = Bits::new(self.tokens.len() + 1);
        self.enter(&mut states, 0);
        states
    }

    fn step(&self, states: &Bits, c: char) -> Bits {
        let mut next = Bits::new(self.tokens.len() + 1);
        for i in states.ones() {
            match self.tokens.get(i) {
                Some(token @ (Token::Many | Token::Within)) if covers(*token, c) => self.enter(&mut next, i),
                Some(token) if covers(*token, c) => self.enter(&mut next, i + 1),
                _ => {}
            }
        }
        next
    }
}

/// Whether tokens cover a text: bit `j` of the row says that the tokens so far can cover its first `j` characters.
fn cover(tokens: &[Token], text: &[char]) -> bool {
    let mut row = Bits::new(text.len() + 1);
    row.set(0);
    let mut masks: HashMap<Token, Bits> = HashMap::new();
    let mask = |token: Token| {
        let mut mask = Bits::new(text.len() + 1);
        (0..text.len()).filter(|j| covers(token, text[*j])).for_each(|j| mask.set(j + 1));
        mask
    };
    for token in tokens {
        match token {
            Token::Many => row.fill_up(),
            Token::Within => row.spread(|j| text[j] != ':'),
            token => {
                row.shift();
                row.and(masks.entry(*token).or_insert_with(|| mask(*token)));
            }
        }
        if row.is_empty() {
            return false;
        }
    }
    row.get(text.len())
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn covers(token: Token, c: char) -> bool {
    match token {
        Token::Char(t) => t == c,
        Token::Fold(t) => t == lower(c),
        Token::One | Token::Many => true,
        Token::Within | Token::OneWithin => c != ':',
        Token::Never => false,
    }
}

/// The product of the patterns has more states than are looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

/// One text for each way in which the texts that `cover` covers can fall into and out of `globs`, the shortest first:
/// what holds for these holds for all that it covers.
pub fn representatives(cover: &Glob, globs: &[Glob]) -> Result<Vec<String>, TooMany> {
    let distinct: BTreeSet<&Glob> = globs.iter().collect();
    let all: Vec<&Glob> = std::iter::once(cover).chain(distinct).collect();
    let letters = alphabet(&all);
    // A state holds the patterns that can still match, so that a thousand literals cost little more than one.
    let start: Vec<(usize, Bits)> = all.iter().map(|g| g.start()).enumerate().collect();
    let mut seen = HashSet::from([start.clone()]);
    let mut came: Vec<Option<(usize, char)>> = vec![None];
    let mut queue = VecDeque::from([(start, 0)]);
    let mut ways = HashSet::new();
    let mut found = Vec::new();
    let mut work = 0;
    while let Some((state, at)) = queue.pop_front() {
        let ends = |(i, bits): &&(usize, Bits)| bits.get(all[*i].tokens.len());
        let way: Vec<usize> = state.iter().filter(ends).map(|(i, _)| *i).collect();
        if way.first() == Some(&0) && ways.insert(way) {
            found.push(word(&came, at));
        }
        for c in &letters {
            let step = |(i, bits): &(usize, Bits)| Some((*i, all[*i].step(bits, *c))).filter(|(_, b)| !b.is_empty());
            let next: Vec<(usize, Bits)> = state.iter().filter_map(step).collect();
            work += state.iter().map(|(_, bits)| bits.words.len()).sum::<usize>();
            if next.first().is_none_or(|(i, _)| *i != 0) || seen.contains(&next) {
                continue;
            }
            if came.len() >= MAX_STATES || work > MAX_WORK {
                return Err(TooMany);
            }
            came.push(Some((at, *c)));
            seen.insert(next.clone());
            queue.push_back((next, came.len() - 1));
        }
    }
    Ok(found)
}

/// Every character that some pattern names, the colon, and one that none names.
fn alphabet(globs: &[&Glob]) -> Vec<char> {
    let mut named = BTreeSet::from([':']);
    for token in globs.iter().flat_map(|g| &g.tokens) {
        match token {
            Token::Char(c) => {
                named.insert(*c);
            }
            Token::Fold(c) => {
                named.insert(*c);
                named.extend(c.to_uppercase());
            }
            _ => {}
        }
    }
    let other = ('a'..='z').rev().chain('0'..='9').chain('\u{4e00}'..).find(|c| !named.contains(c));
    other.into_iter().chain(named.iter().copied()).collect()
}

fn word(came: &[Option<(usize, char)>], mut at: usize) -> String {
    let mut letters = Vec::new();
    while let Some((before, c)) = came[at] {
        letters.push(c);
        at = before;
    }
    letters.iter().rev().collect()
}

/// A row of bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    fn new(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    fn set(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
    }

    fn get(&self, i: usize) -> bool {
        self.words[i / 64] & (1 << (i % 64)) != 0
    }

    fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The places of the bits that are set.
    fn ones(&self) -> impl Iterator<Item = usize> {
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
    fn shift(&mut self) {
        let mut carry = 0;
        for word in &mut self.words {
            let out = *word >> 63;
            *word = *word << 1 | carry;
            carry = out;
        }
    }

    fn and(&mut self, mask: &Bits) {
        self.words.iter_mut().zip(&mask.words).for_each(|(word, m)| *word &= m);
    }

    /// Every bit from the lowest that is set.
    fn fill_up(&mut self) {
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
    fn spread(&mut self, open: impl Fn(usize) -> bool) {
        for j in 0..self.len - 1 {
            if self.get(j) && open(j) {
                self.set(j + 1);
            }
        }
    }
}
