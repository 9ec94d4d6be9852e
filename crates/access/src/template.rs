//! Text of a policy that may hold variables, such as `arn:aws:s3:::home/${aws:username}/*`.
//!
//! A value that is put in is text: a tag of value `*` must not become a wildcard.

use crate::context::{Context, Value};
use crate::glob::{self, Piece};

/// A text of a policy, with its variables found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `${*}`, `${?}`, `${$}`
    Plain(char),
    Variable {
        key: String,
        default: Option<String>,
    },
}

impl Template {
    /// A text in which nothing is a variable.
    pub fn plain(text: &str) -> Template {
        Template { source: text.to_owned(), parts: vec![Part::Text(text.to_owned())] }
    }

    /// A text of a policy of version 2012-10-17.
    pub fn parse(text: &str) -> Template {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let Some(length) = end(&rest[at + 2..]) else { break };
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            parts.push(variable(&rest[at + 2..at + 2 + length]));
            rest = &rest[at + 3 + length..];
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Template { source: text.to_owned(), parts }
    }

    /// The text as the policy has it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The keys that its variables name.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| if let Part::Variable { key, .. } = p { Some(key.as_str()) } else { None })
    }

    /// The pattern with the request's values put in; `None` if a variable has no single value and no default.
    pub fn pieces(&self, context: &Context) -> Option<Vec<Piece>> {
        self.fill(context, None)
    }

    /// The widest pattern that it could be: a variable that has no value may stand for anything.
    pub fn widest(&self, context: &Context) -> Vec<Piece> {
        self.fill(context, Some(Piece::Many)).unwrap_or_default()
    }

    fn fill(&self, context: &Context, unset: Option<Piece>) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => pieces.extend(glob::pieces(text)),
                Part::Plain(c) => pieces.push(Piece::Char(*c)),
                Part::Variable { key, default } => match (context.get(key), default) {
                    (Some(Value::One(value)), _) | (_, Some(value)) => pieces.extend(value.chars().map(Piece::Char)),
                    _ => pieces.push(unset?),
                },
            }
        }
        Some(pieces)
    }

    /// The text with the request's values put in.
    pub fn text(&self, context: &Context) -> Option<String> {
        let character = |p: &Piece| match p {
            Piece::Char(c) => *c,
            Piece::One => '?',
            Piece::Many => '*',
        };
        Some(self.pieces(context)?.iter().map(character).collect())
    }

    /// Texts between what surrounds a variable of `key` in the template and where that stands in `target`: what the
    /// variable would have to be for the template to cover the target.
    pub fn solve(&self, key: &str, target: &str) -> Vec<String> {
        let target: Vec<char> = target.chars().collect();
        let mut found = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            if !matches!(part, Part::Variable { key: k, .. } if k == key) {
                continue;
            }
            let before = i.checked_sub(1).map(|j| beside(&self.parts[j], true)).unwrap_or_default();
            let after = self.parts.get(i + 1).map(|p| beside(p, false)).unwrap_or_default();
            let starts: Vec<usize> =
                (0..=target.len()).filter(|at| target[..*at].ends_with(&before)).take(32).collect();
            for start in starts {
                let ends = (start + 1..=target.len()).filter(|at| target[*at..].starts_with(&after));
                found.extend(ends.take(32).map(|end| target[start..end].iter().collect::<String>()));
            }
        }
        found
    }
}

/// The characters next to a variable, as far as the next wildcard.
fn beside(part: &Part, before: bool) -> Vec<char> {
    match part {
        Part::Plain(c) => vec![*c],
        Part::Variable { .. } => Vec::new(),
        Part::Text(text) => {
            let wild = |c: char| c == '*' || c == '?';
            let near = if before { text.rsplit(wild).next() } else { text.split(wild).next() };
            near.unwrap_or_default().chars().collect()
        }
    }
}

/// Where the variable ends that begins `text`: at its brace, which may be in a default only after the quote.
fn end(text: &str) -> Option<usize> {
    let brace = text.find('}')?;
    match text.find('\'') {
        Some(quote) if quote < brace => text.find("'}").map(|at| at + 1),
        _ => Some(brace),
    }
}

fn variable(inside: &str) -> Part {
    let mut letters = inside.chars();
    if let (Some(c @ ('*' | '?' | '$')), None) = (letters.next(), letters.next()) {
        return Part::Plain(c);
    }
    if let Some((key, rest)) = inside.split_once(", ")
        && let Some(default) = rest.trim_start().strip_prefix('\'').and_then(|d| d.strip_suffix('\''))
    {
        return Part::Variable { key: key.trim().to_ascii_lowercase(), default: Some(default.to_owned()) };
    }
    Part::Variable { key: inside.to_ascii_lowercase(), default: None }
}
