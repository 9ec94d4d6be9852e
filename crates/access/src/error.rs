//! What can't be read or decided, in both languages.

use thiserror::Error;
use yagura_model::Text;

/// What can't be read or decided, where it is, and what to do.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
pub enum Error {
    #[error("not JSON: {0}: correct the file")]
    Json(String),
    #[error("`{at}` is {found}: it must be {wanted}")]
    Shape { at: String, found: &'static str, wanted: &'static str },
    #[error("`{at}` is missing: add it")]
    Missing { at: String },
    #[error("`{element}` of {at} is no element of a policy: correct its name or remove it")]
    Element { at: String, element: String },
    #[error("{at} can't have `{element}`: {why}")]
    Refused { at: String, element: String, why: &'static str },
    #[error("`{value}` of {at} is not valid: {wanted}")]
    Value { at: String, value: String, wanted: &'static str },
    #[error("`{at}` has {length} characters: AWS's limit is far below the {limit} that are read")]
    Long { at: String, length: usize, limit: usize },
    #[error("the wildcards of {at} overlap in too many ways to be decided exactly: ask about a narrower resource")]
    Overlap { at: String },
    #[error("{keys} unknown keys have too many combinations to be decided exactly: give a value to some of {names}")]
    Combinations { keys: usize, names: String },
    #[error("{at}: patterns and conditions combine in too many ways to be decided exactly: split the policy")]
    Search { at: String },
    #[error("what the variables {names} can stand for can't be decided exactly: replace them by values")]
    Variables { names: String },
    #[error("`{key}` is compared as a text and as a number, time or address, which can't be decided together: use one")]
    Mixed { key: String },
    #[error("{at} has {count} patterns: AWS's limits are far below the {limit} that are compared")]
    Large { at: String, count: usize, limit: usize },
}

/// The words that an error is made with.
const WORDS: [(&str, &str); 24] = [
    ("null", "null"),
    ("true or false", "真偽値"),
    ("a number", "数値"),
    ("a text", "文字列"),
    ("a list", "配列"),
    ("an object", "オブジェクト"),
    ("a text or a list of texts", "文字列または文字列の配列"),
    ("* or an object", "* またはオブジェクト"),
    ("a list of policies with names", "名前付きポリシーの配列"),
    ("a list of levels with policies", "ポリシーを持つ階層の配列"),
    ("a case or a list of cases", "ケースまたはケースの配列"),
    ("its opposite is there, too: keep one", "対になる要素と同時には書けません。どちらか一方にしてください"),
    ("its principal is who it is attached to", "プリンシパルはアタッチ先で決まります。この要素を削除してください"),
    ("an RCP's Principal is always *", "RCP の Principal は常に * です"),
    ("write 2012-10-17", "2012-10-17 と書いてください"),
    ("write Allow or Deny", "Allow または Deny と書いてください"),
    ("write service:Action, or *", "service:Action または * と書いてください"),
    ("write *, or {\"AWS\": …}", "* または {\"AWS\": …} と書いてください"),
    ("write a condition operator", "条件演算子を書いてください"),
    ("write absent or conditional", "absent または conditional と書いてください"),
    (
        "write an ARN, a service such as ec2.amazonaws.com, or anonymous",
        "ARN、ec2.amazonaws.com のようなサービス名、anonymous のいずれかを書いてください",
    ),
    ("case", "ケース"),
    ("write 12 digits", "12 桁の数字を書いてください"),
    ("write o- and what follows it", "o- で始まる組織 ID を書いてください"),
];

fn japanese(word: &str) -> &str {
    WORDS.iter().find(|(en, _)| *en == word).map_or(word, |(_, ja)| ja)
}

impl Error {
    /// The error as a person reads it.
    pub fn text(&self) -> Text {
        let ja = match self {
            Error::Json(what) => format!("JSON ではありません: {what}: ファイルを修正してください"),
            Error::Shape { at, found, wanted } => {
                let (at, found, wanted) = (japanese(at), japanese(found), japanese(wanted));
                format!("`{at}` が{found}です: {wanted}にしてください")
            }
            Error::Missing { at } => format!("`{at}` がありません: 追加してください"),
            Error::Element { at, element } => {
                format!("{at} の `{element}` はポリシーの要素ではありません: 名前を修正するか削除してください")
            }
            Error::Refused { at, element, why } => {
                format!("{at} に `{element}` は書けません: {}", japanese(why))
            }
            Error::Value { at, value, wanted } => {
                format!("{at} の `{value}` は正しくありません: {}", japanese(wanted))
            }
            Error::Long { at, length, limit } => {
                format!(
                    "`{at}` が {length} 文字あります: 読み取れるのは {limit} 文字までです（AWS の上限はさらに短い値です）"
                )
            }
            Error::Overlap { at } => {
                let at = at.replace("the conditions on", "条件キー").replace("resource", "リソース");
                format!("{at} のワイルドカードの重なりが多すぎて正確に判定できません: リソースを絞ってください")
            }
            Error::Combinations { keys, names } => {
                format!(
                    "未知のキーが {keys} 個あり、組み合わせが多すぎて正確に判定できません: {names} の一部に値を指定してください"
                )
            }
            Error::Search { at } => {
                let at = at.replace("the conditions on", "条件キー");
                format!("{at}: パターンと条件の組み合わせが多すぎて正確に判定できません: ポリシーを分けてください")
            }
            Error::Variables { names } => {
                format!("変数 {names} が取りうる値を正確に判定できません: 具体的な値に置き換えてください")
            }
            Error::Mixed { key } => {
                format!(
                    "`{key}` が文字列としても数値・日時・アドレスとしても比較されており、正確に判定できません: どちらかに揃えてください"
                )
            }
            Error::Large { at, count, limit } => {
                format!(
                    "{at} にパターンが {count} 個あります: 比較できるのは {limit} 個までです（AWS の上限はさらに小さい値です）"
                )
            }
        };
        Text::new(self.to_string(), ja)
    }
}
