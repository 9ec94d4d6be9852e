use serde::de::DeserializeOwned;
use std::fmt;
use yagura_model::Text;

/// What a content file is about; the name of its top folder in the plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Control,
    Detection,
    /// A way from one identity's permissions to another's.
    Escalation,
    Framework,
    Playbook,
    Resource,
    /// How one service's log records name what they act on.
    Target,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Control,
        Kind::Detection,
        Kind::Escalation,
        Kind::Framework,
        Kind::Playbook,
        Kind::Resource,
        Kind::Target,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Control => "control",
            Kind::Detection => "detection",
            Kind::Escalation => "escalation",
            Kind::Framework => "framework",
            Kind::Playbook => "playbook",
            Kind::Resource => "resource",
            Kind::Target => "target",
        }
    }

    /// The kind of a file by the first folder of its path below the content root.
    pub fn of_path(path: &str) -> Option<Kind> {
        let folder = path.split_once('/')?.0;
        Kind::ALL.into_iter().find(|k| folder.strip_suffix('s') == Some(k.as_str()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with a content file, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct Error {
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    pub message: String,
}

/// A fenced block that an engine reads; a fence with another word stays part of the text around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first word after the fence: `cel`, `pass`, `jq`, …
    pub word: String,
    /// What follows the word on the same line, trimmed.
    pub label: String,
    pub text: String,
    /// Line of the block's first inner line, counting from 1.
    pub line: usize,
}

/// Words that make a fence a block for an engine.
const BLOCK_WORDS: &[&str] = &[
    "cel", "when", "pass", "fail", "na", "unknown", // controls
    "sigma", "hit", "miss", // detections
    "jq", "sample", "case", // resources
    "steps", "fixture", // playbooks
];

/// One content file, read but not interpreted.
#[derive(Clone, Debug)]
pub struct Document {
    pub kind: Kind,
    /// The head's `id` (a resource: its `type`), else the file's stem.
    pub id: String,
    /// Path below the content root (`controls/s3/S3.8.md`), or as the user gave it.
    pub file: String,
    pub title: Text,
    /// Markdown below each language's heading, without the engine's blocks.
    pub body: Text,
    pub blocks: Vec<Block>,
    head: String,
    table: toml::Table,
    head_line: usize,
}

impl Document {
    /// Reads a file's text. A `.toml` file is all head.
    ///
    /// # Errors
    /// A missing or broken head, an unclosed fence, a missing language.
    pub fn parse(kind: Kind, file: &str, text: &str) -> Result<Document, Error> {
        let error = |line: usize, message: String| Error { file: file.to_owned(), line, message };
        let text = text.replace("\r\n", "\n");
        let (head, rest, head_line, rest_line) = if file.ends_with(".toml") {
            (text.as_str(), "", 1, 1)
        } else {
            let after = text
                .strip_prefix("+++\n")
                .ok_or_else(|| error(1, "the file must begin with a TOML head between two `+++` lines".to_owned()))?;
            let end = after
                .find("\n+++\n")
                .ok_or_else(|| error(1, "the TOML head is not closed: add a `+++` line".to_owned()))?;
            let head = &after[..=end];
            (head, &after[end + 5..], 2, 2 + head.lines().count() + 1)
        };
        let table: toml::Table = toml::from_str(head).map_err(|e| toml_error(file, head, head_line, &e))?;
        let mut document = Document {
            kind,
            id: String::new(),
            file: file.to_owned(),
            title: Text::default(),
            body: Text::default(),
            blocks: Vec::new(),
            head: head.to_owned(),
            table,
            head_line,
        };
        document.read_body(rest, rest_line)?;
        document.id = document.identify();
        if document.title.en.is_empty()
            && let Some(title) = document.table.get("title")
        {
            document.title = title
                .clone()
                .try_into()
                .map_err(|_| error(head_line, "`title` needs `title.en` and `title.ja`".to_owned()))?;
        }
        if document.kind != Kind::Target && (document.title.en.is_empty() || document.title.ja.is_empty()) {
            return Err(error(rest_line, "both languages need a title: write `## en: …` and `## ja: …`".to_owned()));
        }
        Ok(document)
    }

    /// The head as a typed value.
    ///
    /// # Errors
    /// A missing, unknown or wrongly typed key, with its line.
    pub fn head<T: DeserializeOwned>(&self) -> Result<T, Error> {
        toml::from_str(&self.head).map_err(|e| toml_error(&self.file, &self.head, self.head_line, &e))
    }

    /// A value of the head by key, uninterpreted.
    pub fn value(&self, key: &str) -> Option<&toml::Value> {
        self.table.get(key)
    }

    /// All blocks that begin with `word`, in the order of the file.
    pub fn blocks<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.word == word)
    }

    /// An error at a line of this file.
    pub fn error(&self, line: usize, message: impl Into<String>) -> Error {
        Error { file: self.file.clone(), line, message: message.into() }
    }

    fn identify(&self) -> String {
        let key = if self.kind == Kind::Resource { "type" } else { "id" };
        if let Some(id) = self.table.get(key).and_then(toml::Value::as_str) {
            return id.to_owned();
        }
        let name = self.file.rsplit('/').next().unwrap_or(&self.file);
        name.strip_suffix(".md").or_else(|| name.strip_suffix(".toml")).unwrap_or(name).to_owned()
    }

    fn read_body(&mut self, rest: &str, first_line: usize) -> Result<(), Error> {
        let mut section: Option<bool> = None; // Some(true): Japanese
        let mut lines = rest.lines().enumerate();
        while let Some((i, line)) = lines.next() {
            let heading = line.strip_prefix("## ").and_then(|h| {
                let (lang, title) = h.split_once(':')?;
                matches!(lang.trim(), "en" | "ja").then(|| (lang.trim() == "ja", title.trim()))
            });
            if let Some((ja, title)) = heading {
                section = Some(ja);
                *if ja { &mut self.title.ja } else { &mut self.title.en } = title.to_owned();
                continue;
            }
            let word = line.strip_prefix("```").map(|info| info.split_whitespace().next().unwrap_or(""));
            if let Some(word) = word.filter(|w| BLOCK_WORDS.contains(w)) {
                let label = line[3..].trim().strip_prefix(word).unwrap_or("").trim().to_owned();
                let (mut text, mut closed) = (String::new(), false);
                for (_, inner) in lines.by_ref() {
                    if inner.trim_end() == "```" {
                        closed = true;
                        break;
                    }
                    text.push_str(inner);
                    text.push('\n');
                }
                let line = first_line + i + 1;
                if !closed {
                    return Err(self.error(line, format!("the ```{word} block is not closed")));
                }
                self.blocks.push(Block { word: word.to_owned(), label, text, line });
                continue;
            }
            if let Some(ja) = section {
                let body = if ja { &mut self.body.ja } else { &mut self.body.en };
                body.push_str(line);
                body.push('\n');
            }
        }
        for body in [&mut self.body.en, &mut self.body.ja] {
            *body = body.trim().to_owned();
        }
        Ok(())
    }
}

fn toml_error(file: &str, head: &str, head_line: usize, e: &toml::de::Error) -> Error {
    let before = e.span().and_then(|s| head.get(..s.start)).unwrap_or("");
    Error { file: file.to_owned(), line: head_line + before.matches('\n').count(), message: e.message().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_head_languages_and_blocks() {
        let text = "+++\nid = \"X.1\"\n+++\n## en: A title\nWhy.\n```sh\nls\n```\n## ja: 題\n理由。\n```cel\ntrue\n```\n```pass a b\n{}\n```\n";
        let d = Document::parse(Kind::Control, "controls/x/X.1.md", text).expect("parses");
        assert_eq!((d.id.as_str(), d.title.ja.as_str()), ("X.1", "題"));
        assert_eq!(d.body.en, "Why.\n```sh\nls\n```");
        assert_eq!(
            d.blocks.iter().map(|b| (b.word.as_str(), b.label.as_str(), b.line)).collect::<Vec<_>>(),
            [("cel", "", 12), ("pass", "a b", 15)]
        );
    }

    #[test]
    fn names_the_line_of_a_broken_head() {
        let text = "+++\nid = \"X\"\nseverity = oops\n+++\n## en: a\n## ja: b\n";
        let e = Document::parse(Kind::Control, "x.md", text).expect_err("broken");
        assert_eq!(e.line, 3);
    }
}
