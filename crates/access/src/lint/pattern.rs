//! What one pattern says of another.

use crate::glob::Piece;

/// Longer products of patterns are not compared: AWS's own ARNs and actions are far shorter.
const MAX_PRODUCT: usize = 1 << 20;

/// A token of a pattern that is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Char(char),
    One,
    Many,
    /// Any characters but this one.
    Without(char),
}

impl Token {
    fn meets(self, other: Token) -> bool {
        match (self, other) {
            (Token::Char(a), Token::Char(b)) => a == b,
            (Token::Without(not), Token::Char(c)) | (Token::Char(c), Token::Without(not)) => c != not,
            _ => true,
        }
    }

    fn is_star(self) -> bool {
        matches!(self, Token::Many | Token::Without(_))
    }
}

pub fn tokens(pieces: &[Piece]) -> Vec<Token> {
    let token = |piece: &Piece| match piece {
        Piece::Char(c) => Token::Char(*c),
        Piece::One => Token::One,
        Piece::Many => Token::Many,
    };
    let mut tokens: Vec<Token> = pieces.iter().map(token).collect();
    tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
    tokens
}

/// Whether some text is of both patterns; true for patterns that are too long to be compared.
pub fn meet(a: &[Token], b: &[Token]) -> bool {
    if a.len().saturating_mul(b.len()) > MAX_PRODUCT {
        return true;
    }
    // Row i holds which j are such that a text is of both a[..i] and b[..j].
    let mut row = vec![false; b.len() + 1];
    row[0] = true;
    for j in 0..b.len() {
        row[j + 1] = row[j] && b[j].is_star();
    }
    for token in a {
        let mut next = vec![false; b.len() + 1];
        next[0] = row[0] && token.is_star();
        for (j, other) in b.iter().enumerate() {
            next[j + 1] = match (token.is_star(), other.is_star()) {
                (true, true) => row[j + 1] || next[j],
                (true, false) => row[j + 1] || next[j] && token.meets(*other),
                (false, true) => next[j] || row[j + 1] && token.meets(*other),
                (false, false) => row[j] && token.meets(*other),
            };
        }
        row = next;
    }
    row[b.len()]
}

/// Whether `wide` covers every text that `narrow` does. A no may be wrong where wildcards lie askew; a yes is not.
pub fn covers(wide: &str, narrow: &str) -> bool {
    if wide == "*" || wide == narrow {
        return true;
    }
    // `${*}` is a plain star, which this doesn't read.
    if wide.contains("${") || wide.len().saturating_mul(narrow.len()) > MAX_PRODUCT || !stays_in_fields(wide) {
        return false;
    }
    let (wide, narrow): (Vec<char>, Vec<char>) = (wide.chars().collect(), narrow.chars().collect());
    let (mut w, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < narrow.len() {
        match wide.get(w) {
            Some('*') => {
                retry = Some((w + 1, n));
                w += 1;
            }
            Some('?') if narrow[n] != '*' => (w, n) = (w + 1, n + 1),
            Some(c) if *c == narrow[n] => (w, n) = (w + 1, n + 1),
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (w, n) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    wide[w..].iter().all(|c| *c == '*')
}

/// Whether the wildcards in an ARN's first five fields are whole fields: others don't reach beyond theirs.
fn stays_in_fields(pattern: &str) -> bool {
    let mut fields = pattern.split(':').take(5);
    !pattern.starts_with("arn:") || fields.all(|field| field == "*" || !field.contains(['*', '?']))
}
