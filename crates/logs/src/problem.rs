use crate::split::{Bad, Seen};
use crate::walk::Claim;
use std::fmt::Write;
use yagura_model::{Lang, Text};

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Skipped, and rightly so: no log, a fifo, a link out of the folder.
    Note,
    /// Read to the end, but something in it was not as it should be.
    Warning,
    /// Something that should have been judged was not: a blind spot.
    Damage,
}

/// What is wrong with one input and what to do about it; at most one for each input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub level: Level,
    pub file: String,
    pub what: Text,
    pub hint: Text,
}

impl Problem {
    pub fn new(level: Level, file: &str, what: Text, hint: Text) -> Problem {
        Problem { level, file: file.to_owned(), what, hint }
    }

    /// An input that can't be opened or read at all.
    pub fn unreadable(file: &str, e: &std::io::Error) -> Problem {
        let what = Text::new(format!("can't be read: {e}"), format!("読み取れません: {e}"));
        let hint = Text::new("check its permissions and run again", "権限を確認して再実行してください");
        Problem::new(Level::Damage, file, what, hint)
    }

    /// Adds what else is wrong with the same input; the graver says what to do.
    pub(crate) fn join(&mut self, other: Problem) {
        self.what.en = format!("{}; {}", self.what.en, other.what.en);
        self.what.ja = format!("{}、{}", self.what.ja, other.what.ja);
        if other.level > self.level {
            (self.level, self.hint) = (other.level, other.hint);
        }
    }

    /// `FILE: what is wrong: what to do`, with control characters escaped.
    pub fn line(&self, lang: Lang) -> String {
        let mut line = String::new();
        for c in format!("{}: {}: {}", self.file, self.what.get(lang), self.hint.get(lang)).chars() {
            if c.is_control() {
                let _ = write!(line, "{}", c.escape_default());
            } else {
                line.push(c);
            }
        }
        line
    }
}

/// How the bytes of an input ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Whole,
    Empty,
    /// The gzip data stops short.
    Truncated,
    /// The gzip data is damaged.
    Corrupt,
    /// Bytes follow the first gzip member.
    Trailing,
    /// More than the cap on inflated bytes.
    TooLarge(u64),
    Io(String),
}

impl Bad {
    fn text(self) -> Text {
        match self {
            Bad::Truncated => Text::new("the last one is cut off", "最後のレコードが途中で切れています"),
            Bad::Syntax => Text::new("broken JSON", "JSON が壊れています"),
            Bad::TooDeep => Text::new("nested too deeply", "入れ子が深すぎます"),
            Bad::TooLarge => Text::new("larger than the cap on one record", "1 レコードの上限サイズを超えています"),
            Bad::NotARecord => Text::new("no CloudTrail record", "CloudTrail のレコードではありません"),
            Bad::NoTime => {
                Text::new("no `eventTime`, or one that is no time", "`eventTime` がないか、時刻として読めません")
            }
        }
    }
}

/// The one problem that an input's reading gives, if any.
pub(crate) fn judge(file: &str, seen: &Seen, ending: &Ending, claim: Claim) -> Option<Problem> {
    let nothing = seen.records == 0 && seen.digests == 0;
    let no_log = seen.not_json || nothing && !seen.wrapped && seen.foreign > 0 && seen.foreign == seen.bad;
    if no_log && matches!(ending, Ending::Whole | Ending::Trailing) {
        // JSON of another kind is no surprise in a folder; what is named like JSON and isn't may be a damaged log.
        let least = if seen.not_json { Claim::Name } else { Claim::Hand };
        let level = if claim >= least { Level::Damage } else { Level::Note };
        let what = if seen.not_json {
            Text::new(
                "not JSON, so no CloudTrail log; skipped",
                "JSON ではないため CloudTrail ログとして扱えません（スキップしました）",
            )
        } else {
            Text::new(
                "JSON, but no CloudTrail log; skipped",
                "JSON ですが CloudTrail ログではありません（スキップしました）",
            )
        };
        let hint = Text::new(
            "give CloudTrail's .json.gz, .json or NDJSON files",
            "CloudTrail の .json.gz、.json、NDJSON ファイルを指定してください",
        );
        return Some(Problem::new(level, file, what, hint));
    }
    let mut parts: Vec<(Level, Text, Text)> = Vec::new();
    parts.extend(ending_part(ending));
    if let Some(first) = seen.first_bad {
        let (n, why) = (seen.bad, first.text());
        parts.push((
            Level::Damage,
            Text::new(
                format!("{n} record{} not read ({})", if n == 1 { "" } else { "s" }, why.en),
                format!("{n} 件のレコードを読めませんでした（{}）", why.ja),
            ),
            Text::new(
                "the rest was judged; fetch the file again from its bucket and compare",
                "残りは判定済みです。バケットから取得し直して比べてください",
            ),
        ));
    } else if seen.unclosed && *ending == Ending::Whole {
        parts.push((
            Level::Damage,
            Text::new("the list of records is not closed", "レコードの一覧が閉じられていません"),
            Text::new(
                "the file may be cut off: fetch it again from its bucket",
                "ファイルが途中で切れている可能性があります。バケットから取得し直してください",
            ),
        ));
    }
    if seen.invalid_utf8 {
        parts.push((
            Level::Warning,
            Text::new("bytes that are no UTF-8 were replaced", "UTF-8 ではないバイトを置き換えました"),
            Text::new("check who wrote the file", "ファイルの作成元を確認してください"),
        ));
    }
    let level = parts.iter().map(|(level, ..)| *level).max()?;
    let join = |pick: fn(&Text) -> &str, between: &str| {
        parts.iter().map(|(_, what, _)| pick(what)).collect::<Vec<_>>().join(between)
    };
    let what = Text::new(join(|t| &t.en, "; "), join(|t| &t.ja, "、"));
    let hint = parts.into_iter().next().map(|(.., hint)| hint).unwrap_or_default();
    Some(Problem::new(level, file, what, hint))
}

fn ending_part(ending: &Ending) -> Option<(Level, Text, Text)> {
    let again = Text::new(
        "what came before was judged; fetch the file again from its bucket",
        "壊れている箇所より前は判定済みです。バケットから取得し直してください",
    );
    let (what, hint) = match ending {
        Ending::Whole => return None,
        Ending::Empty => (
            Text::new("the file is empty", "ファイルが空です"),
            Text::new("fetch it again from its bucket", "バケットから取得し直してください"),
        ),
        Ending::Truncated => (Text::new("the gzip data is cut off", "gzip データが途中で切れています"), again),
        Ending::Corrupt => (Text::new("the gzip data is damaged", "gzip データが壊れています"), again),
        Ending::Trailing => (
            Text::new(
                "bytes follow the first gzip member and were not read: possible tampering",
                "最初の gzip メンバーの後ろに余分なバイトがあり、読んでいません（改ざんの可能性があります）",
            ),
            Text::new(
                "compare the file with its CloudTrail digest, or read all members with --multi-member",
                "CloudTrail のダイジェストと照合するか、--multi-member を付けてすべてのメンバーを読んでください",
            ),
        ),
        Ending::TooLarge(cap) => (
            Text::new(
                format!("holds more than {cap} bytes inflated; the rest was not read"),
                format!("展開後のサイズが {cap} バイトを超えたため、残りは読んでいません"),
            ),
            Text::new(
                "raise the cap on inflated bytes if you trust the file",
                "信頼できるファイルであれば、展開サイズの上限を上げてください",
            ),
        ),
        Ending::Io(error) => (
            Text::new(format!("can't be read: {error}"), format!("読み取れません: {error}")),
            Text::new("check the path and its permissions", "パスと権限を確認してください"),
        ),
    };
    Some((Level::Damage, what, hint))
}
