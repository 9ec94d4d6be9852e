//! What is wrong with a file, in words for the one who gave it.

use std::{collections::HashMap, fmt, io, path::Path};

/// A file that could not be read, or not all of it: `FILE: what is wrong: what to do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    pub message: String,
    pub hint: String,
    /// The path doesn't exist: bad usage, not a blind spot.
    pub missing: bool,
}

impl Problem {
    pub(super) fn new(file: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { file: file.into(), message: message.into(), hint: hint.into(), missing: false }
    }

    pub(super) fn unreadable(path: &Path, e: &io::Error) -> Problem {
        let (message, hint) = match e.kind() {
            io::ErrorKind::NotFound => ("does not exist".to_owned(), "check the path"),
            io::ErrorKind::PermissionDenied => ("may not be read".to_owned(), "give yourself read permission"),
            _ => (format!("can't be opened ({e})"), "check the file"),
        };
        let missing = e.kind() == io::ErrorKind::NotFound;
        Problem { missing, ..Problem::new(path.display().to_string(), message, hint) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", printable(&self.file), printable(&self.message), printable(&self.hint))
    }
}

impl std::error::Error for Problem {}

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
    let mut joined: Vec<(Problem, Vec<String>)> = Vec::new();
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
            for message in more.iter().take(TOLD - 1) {
                problem.message.push_str("; ");
                problem.message.push_str(message);
            }
            if more.len() >= TOLD {
                problem.message.push_str(&format!("; and {} more", more.len() + 1 - TOLD));
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
        let problems = (0..8).map(|i| Problem::new("a\u{1b}[2J", format!("p{i}"), "do")).collect();
        let joined = one_a_file(problems);
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].to_string(), "a\\u{1b}[2J: p0; p1; p2; p3; p4; and 3 more: do");
    }
}
