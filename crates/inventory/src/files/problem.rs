//! What is wrong with a file, in words for the one who gave it.

use std::{collections::HashMap, fmt, io, path::Path};
use yagura_model::{Lang, Text};

/// A file that could not be read, or not all of it: `FILE: what is wrong: what to do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    pub message: Text,
    pub hint: Text,
    /// The path doesn't exist: bad usage, not a blind spot.
    pub missing: bool,
}

impl Problem {
    pub(super) fn new(file: impl Into<String>, message: impl Into<Words>, hint: impl Into<Words>) -> Problem {
        Problem { file: file.into(), message: message.into().0, hint: hint.into().0, missing: false }
    }

    /// The line that a person reads.
    pub fn line(&self, lang: Lang) -> String {
        format!("{}: {}: {}", printable(&self.file), printable(self.message.get(lang)), printable(self.hint.get(lang)))
    }

    pub(super) fn unreadable(path: &Path, e: &io::Error) -> Problem {
        let (message, hint) = match e.kind() {
            io::ErrorKind::NotFound => {
                (words("does not exist", "存在しません"), ("check the path", "パスを確認してください"))
            }
            io::ErrorKind::PermissionDenied => (
                words("may not be read", "読み取る権限がありません"),
                ("give yourself read permission", "読み取り権限を付けてください"),
            ),
            _ => (
                words(format!("can't be opened ({e})"), format!("開けません（{e}）")),
                ("check the file", "ファイルを確認してください"),
            ),
        };
        let missing = e.kind() == io::ErrorKind::NotFound;
        Problem { missing, ..Problem::new(path.display().to_string(), message, hint) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(Lang::En))
    }
}

impl std::error::Error for Problem {}

/// What is said of a file, in both languages; a bare text is a term that both use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(pub Text);

/// A sentence in English and in Japanese.
pub(super) fn words(en: impl Into<String>, ja: impl Into<String>) -> Words {
    Words(Text::new(en, ja))
}

impl<E: Into<String>, J: Into<String>> From<(E, J)> for Words {
    fn from((en, ja): (E, J)) -> Words {
        words(en, ja)
    }
}

/// Text from a file or file name with its control characters escaped, so that it can't move a terminal's cursor.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Bidirectional overrides are no control characters to Rust.
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// How many of a file's problems are told.
const TOLD: usize = 5;

/// Joins the problems of each file, in the order of the files' first ones.
pub(super) fn one_a_file(problems: Vec<Problem>) -> Vec<Problem> {
    let mut joined: Vec<(Problem, Vec<Text>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for problem in problems {
        match places.get(&problem.file) {
            Some(i) => {
                let (first, more) = &mut joined[*i];
                if first.message != problem.message && !more.contains(&problem.message) {
                    more.push(problem.message);
                }
            }
            None => {
                places.insert(problem.file.clone(), joined.len());
                joined.push((problem, Vec::new()));
            }
        }
    }
    joined
        .into_iter()
        .map(|(mut problem, more)| {
            let Text { en, ja } = &mut problem.message;
            for message in more.iter().take(TOLD - 1) {
                en.push_str(&format!("; {}", message.en));
                ja.push_str(&format!("、{}", message.ja));
            }
            if more.len() >= TOLD {
                en.push_str(&format!("; and {} more", more.len() + 1 - TOLD));
                ja.push_str(&format!("、ほか {} 件", more.len() + 1 - TOLD));
            }
            problem
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_a_files_problems_and_escapes_them() {
        let problems =
            (0..8).map(|i| Problem::new("a\u{1b}[2J", (format!("p{i}"), format!("問{i}")), ("do", "対処"))).collect();
        let joined = one_a_file(problems);
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].to_string(), "a\\u{1b}[2J: p0; p1; p2; p3; p4; and 3 more: do");
        assert_eq!(joined[0].line(Lang::Ja), "a\\u{1b}[2J: 問0、問1、問2、問3、問4、ほか 3 件: 対処");
    }
}
