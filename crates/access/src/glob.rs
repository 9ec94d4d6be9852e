//! Patterns with `*` and `?`, as policies write them.
//!
//! Matching takes time proportional to pattern × text / 64 whatever the pattern is: a policy is hostile input, and a
//! backtracking matcher can be made to take for ever. What a policy says of *all* texts of a pattern is answered by
//! walking the product of the patterns' automata ([`representatives`]), so it needs no sampling.

use crate::bits::Bits;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// Texts longer than this are refused before they reach a pattern. AWS's ARNs end at 2,048.
pub const MAX_TEXT: usize = 8192;

/// States of the product that [`representatives`] looks at before it gives up.
const MAX_STATES: usize = 50_000;

/// Steps of single patterns, in words of their states.
pub const MAX_WORK: usize = 20_000_000;

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
    /// One character of a set.
    In(Set),
    /// Any characters of a set.
    Run(Set),
    /// No character at all: what comes of a pattern that only texts beyond [`MAX_TEXT`] could match.
    Never,
}

/// Characters that names are made of. No policy can write these: they bound what is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    Digit,
    /// Small letters and digits.
    Small,
    /// An action's service.
    Service,
    /// An action's name, once it is in lower case.
    Action,
    /// The name of a user or role, perhaps with its path.
    Name,
}

impl Set {
    fn has(self, c: char) -> bool {
        match self {
            Set::Digit => c.is_ascii_digit(),
            Set::Small => c.is_ascii_lowercase() || c.is_ascii_digit(),
            Set::Service => Set::Small.has(c) || c == '-',
            Set::Action => Set::Service.has(c) || c == '_',
            Set::Name => c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c),
        }
    }
}

/// A part of a pattern that bounds what is looked at: see [`Glob::of_parts`].
#[derive(Clone, Copy, Debug)]
pub enum Bound<'a> {
    Text(&'a str),
    /// So many characters of the set.
    Exactly(usize, Set),
    /// So many characters of the set, or more.
    AtLeast(usize, Set),
}

/// A piece of a pattern's source: text is taken as it is, a wildcard is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Char(char),
    One,
    Many,
}

impl Token {
    /// Whether it covers any number of characters.
    fn is_run(self) -> bool {
        matches!(self, Token::Many | Token::Within | Token::Run(_))
    }
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob {
    tokens: Vec<Token>,
}

/// Whether some resource may match both patterns: if only one has wildcards, whether it matches the other.
pub fn overlap(a: &str, b: &str) -> bool {
    Glob::text(&pieces(a)).matches(b) || Glob::text(&pieces(b)).matches(a)
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

    /// What its parts cover, one after the other.
    pub fn of_parts(parts: &[Bound<'_>]) -> Glob {
        Glob::of(parts.iter().flat_map(|part| match *part {
            Bound::Text(text) => text.chars().map(Token::Char).collect(),
            Bound::Exactly(n, set) => vec![Token::In(set); n],
            Bound::AtLeast(n, set) => [vec![Token::In(set); n], vec![Token::Run(set)]].concat(),
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
        let fixed = kept.iter().filter(|t| !t.is_run()).count();
        Glob { tokens: if fixed > MAX_TEXT { vec![Token::Never] } else { kept } }
    }

    /// Whether it covers every text.
    pub fn is_any(&self) -> bool {
        self.tokens == [Token::Many]
    }

    /// Whether `text` is one that the pattern covers.
    pub fn matches(&self, text: &str) -> bool {
        let head = self.tokens.iter().take_while(|t| !t.is_run()).count();
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
        while self.tokens.get(i).is_some_and(|t| t.is_run()) {
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
                Some(token) if covers(*token, c) => self.enter(&mut next, i + usize::from(!token.is_run())),
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
            run @ (Token::Within | Token::Run(_)) => row.spread(|j| covers(*run, text[j])),
            token => {
                row.shift();
                row.keep(masks.entry(*token).or_insert_with(|| mask(*token)));
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
        Token::In(set) | Token::Run(set) => set.has(c),
        Token::Never => false,
    }
}

/// The product of the patterns has more states than are looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

/// One text for each way in which the texts that `cover` covers can fall into and out of `globs`, the shortest first:
/// what holds for these holds for all that it covers.
pub fn representatives(cover: &Glob, globs: &[Glob]) -> Result<Vec<String>, TooMany> {
    within(cover, globs, &mut MAX_WORK.clone())
}

/// The same, as far as `left` steps go, which it takes from them.
pub fn within(cover: &Glob, globs: &[Glob], left: &mut usize) -> Result<Vec<String>, TooMany> {
    let distinct: BTreeSet<&Glob> = globs.iter().collect();
    let all: Vec<&Glob> = std::iter::once(cover).chain(distinct).collect();
    let alphabet = Alphabet::of(&all);
    // A state holds the patterns that can still match, so that a thousand literals cost little more than one.
    let start: Vec<(usize, Bits)> = all.iter().map(|g| g.start()).enumerate().collect();
    let mut seen = HashSet::from([start.clone()]);
    let mut came: Vec<Option<(usize, char)>> = vec![None];
    let mut queue = VecDeque::from([(start, 0)]);
    let mut ways = HashSet::new();
    let mut found = Vec::new();
    while let Some((state, at)) = queue.pop_front() {
        let ends = |(i, bits): &&(usize, Bits)| bits.get(all[*i].tokens.len());
        let way: Vec<usize> = state.iter().filter(ends).map(|(i, _)| *i).collect();
        if way.first() == Some(&0) && ways.insert(way) {
            found.push(word(&came, at));
        }
        for c in alphabet.telling(&all, &state) {
            let step = |(i, bits): &(usize, Bits)| Some((*i, all[*i].step(bits, c))).filter(|(_, b)| !b.is_empty());
            let mut live = state.iter();
            let Some(first) = live.next().and_then(step).filter(|(i, _)| *i == 0) else { continue };
            let next: Vec<(usize, Bits)> = std::iter::once(first).chain(live.filter_map(step)).collect();
            *left = left.saturating_sub(state.iter().map(|(_, bits)| bits.words()).sum::<usize>());
            if seen.contains(&next) {
                continue;
            }
            if came.len() >= MAX_STATES || *left == 0 {
                return Err(TooMany);
            }
            came.push(Some((at, c)));
            seen.insert(next.clone());
            queue.push_back((next, came.len() - 1));
        }
    }
    Ok(found)
}

/// The characters that patterns can tell apart.
struct Alphabet {
    /// One that no pattern names, the colon, and such as tell the sets apart.
    others: Vec<char>,
}

impl Alphabet {
    fn of(globs: &[&Glob]) -> Alphabet {
        let mut named = BTreeSet::from([':']);
        globs.iter().flat_map(|g| &g.tokens).for_each(|token| token.names(&mut named));
        let free = |set: Option<Set>| {
            let letters = ('a'..='z').rev().chain('0'..='9').chain("-_+=,.@/".chars()).chain('\u{4e00}'..);
            letters.take(5000).find(|c| !named.contains(c) && set.is_none_or(|set| set.has(*c)))
        };
        let mut others: Vec<char> = free(None).into_iter().collect();
        for token in globs.iter().flat_map(|g| &g.tokens) {
            let (Token::In(set) | Token::Run(set)) = token else { continue };
            match free(Some(*set)) {
                Some(c) if others.contains(&c) => {}
                Some(c) => others.push(c),
                // All of them are named: each is like itself only.
                None => others.extend(named.iter().filter(|c| set.has(**c))),
            }
        }
        others.push(':');
        let mut once = HashSet::new();
        others.retain(|c| once.insert(*c));
        Alphabet { others }
    }

    /// The characters that lead on from a state in different ways: those that its patterns name next, and the others.
    fn telling(&self, globs: &[&Glob], state: &[(usize, Bits)]) -> impl Iterator<Item = char> {
        let mut named = BTreeSet::new();
        for (i, bits) in state {
            bits.ones().filter_map(|at| globs[*i].tokens.get(at)).for_each(|token| token.names(&mut named));
        }
        self.others.iter().for_each(|c| {
            named.remove(c);
        });
        self.others.clone().into_iter().chain(named)
    }
}

impl Token {
    /// Adds the characters that only it, or tokens like it, cover.
    fn names(self, named: &mut BTreeSet<char>) {
        match self {
            Token::Char(c) => {
                named.insert(c);
            }
            Token::Fold(c) => {
                named.insert(c);
                named.extend(c.to_uppercase());
            }
            _ => {}
        }
    }
}

fn word(came: &[Option<(usize, char)>], mut at: usize) -> String {
    let mut letters = Vec::new();
    while let Some((before, c)) = came[at] {
        letters.push(c);
        at = before;
    }
    letters.iter().rev().collect()
}
