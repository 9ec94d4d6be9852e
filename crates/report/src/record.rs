use crate::Format;
use serde_json::{Value, json};
use yagura_model::{Detection, Finding, Judgement, Lang, Severity, Verdict};

/// One cell of a person's table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub text: String,
    /// ANSI SGR parameters, `1;31`; empty for none.
    pub style: &'static str,
}

impl Cell {
    pub fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), style: "" }
    }

    pub fn severity(severity: Severity, lang: Lang) -> Cell {
        let style = match severity {
            Severity::Critical => "1;37;41",
            Severity::High => "1;31",
            Severity::Medium => "33",
            Severity::Low => "34",
            Severity::Informational => "2",
        };
        let text = if lang == Lang::Ja { severity.word(lang) } else { severity.as_str() };
        Cell { text: text.to_owned(), style }
    }

    pub fn verdict(verdict: Verdict) -> Cell {
        let style = match verdict {
            Verdict::Pass => "32",
            Verdict::Fail => "1;31",
            Verdict::Unknown => "1;33",
            Verdict::NotApplicable => "2",
        };
        Cell { text: verdict.as_str().to_owned(), style }
    }
}

/// What every format is made of.
pub trait Record {
    /// Its forms beyond those that every record has.
    const MORE: &'static [Format];
    /// The contract's keys with their values, in the contract's order.
    fn fields(&self, lang: Lang) -> Vec<(&'static str, Value)>;
    /// Headings of a person's table.
    fn columns(lang: Lang) -> Vec<&'static str>;
    fn cells(&self, lang: Lang) -> Vec<Cell>;
    /// The OCSF 1.8 object; `now` is RFC 3339 UTC.
    fn ocsf(&self, lang: Lang, now: &str) -> Value;
    /// What a document groups by: (id, title, severity).
    fn group(&self, lang: Lang) -> (String, String, Severity);
    /// (where, account, Region, why) of a document's row.
    fn place(&self, lang: Lang) -> [String; 4];
    /// The verdict, where the record has one.
    fn verdict(&self) -> Option<Verdict> {
        None
    }
    /// Whether it is something to act on. Documents for people list just that, and count the rest.
    fn is_open(&self) -> bool {
        !matches!(self.verdict(), Some(Verdict::Pass | Verdict::NotApplicable))
    }
    /// File, line and column, where the record points into a file.
    fn location(&self) -> Option<(&str, Option<u32>, Option<u32>)> {
        None
    }
    /// As Security Hub takes it, where it does.
    fn asff(&self, _lang: Lang) -> Option<Value> {
        None
    }
    /// A fingerprint that two runs share.
    fn fingerprint(&self) -> String;
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

impl Record for Judgement {
    const MORE: &'static [Format] = &[Format::Sarif, Format::Junit];

    fn fields(&self, lang: Lang) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("control", json!(self.control)),
            ("verdict", json!(self.verdict.as_str())),
            ("resource", json!(self.resource)),
            ("type", json!(self.kind)),
            ("account", json!(self.account)),
            ("region", json!(self.region)),
            ("severity", json!(self.severity)),
            ("title", json!(self.title.get(lang))),
            ("reason", json!(self.reason.get(lang))),
            ("evidence", self.evidence.clone()),
            ("source", json!(self.source)),
        ];
        if self.file.is_some() {
            fields.push(("file", json!(self.file)));
            fields.push(("line", json!(self.line)));
            fields.push(("column", json!(self.column)));
        }
        fields
    }

    fn columns(lang: Lang) -> Vec<&'static str> {
        match lang {
            Lang::En => vec!["VERDICT", "SEVERITY", "CONTROL", "RESOURCE", "REGION", "WHERE", "WHY"],
            Lang::Ja => vec!["判定", "重大度", "コントロール", "リソース", "リージョン", "場所", "理由"],
        }
    }

    fn cells(&self, lang: Lang) -> Vec<Cell> {
        vec![
            Cell::verdict(self.verdict),
            Cell::severity(self.severity, lang),
            Cell::plain(&self.control),
            Cell::plain(&self.resource),
            Cell::plain(text(&self.region)),
            Cell::plain(match (&self.file, self.line) {
                (Some(file), Some(line)) => format!("{file}:{line}"),
                (file, _) => text(file),
            }),
            Cell::plain(format!("{} — {}", self.title.get(lang), self.reason.get(lang))),
        ]
    }

    fn ocsf(&self, lang: Lang, now: &str) -> Value {
        crate::ocsf::judgement(self, lang, now)
    }

    fn group(&self, lang: Lang) -> (String, String, Severity) {
        (self.control.clone(), self.title.get(lang).to_owned(), self.severity)
    }

    fn place(&self, lang: Lang) -> [String; 4] {
        [self.resource.clone(), text(&self.account), text(&self.region), self.reason.get(lang).to_owned()]
    }

    fn verdict(&self) -> Option<Verdict> {
        Some(self.verdict)
    }

    fn location(&self) -> Option<(&str, Option<u32>, Option<u32>)> {
        self.file.as_deref().map(|file| (file, self.line, self.column))
    }

    fn fingerprint(&self) -> String {
        Finding::from_judgement(self, "").id
    }
}

impl Record for Detection {
    const MORE: &'static [Format] = &[];

    fn fields(&self, lang: Lang) -> Vec<(&'static str, Value)> {
        vec![
            ("detection", json!(self.detection)),
            ("kind", json!(self.kind.as_str())),
            ("title", json!(self.title.get(lang))),
            ("severity", json!(self.severity)),
            ("time", json!(self.time)),
            ("last_time", json!(self.last_time)),
            ("account", json!(self.account)),
            ("region", json!(self.region)),
            ("principal", json!(self.principal)),
            ("session", json!(self.session)),
            ("target", json!(self.target)),
            ("source_ip", json!(self.source_ip)),
            ("count", json!(self.count)),
            ("event_ids", json!(self.event_ids)),
            ("truncated", json!(self.truncated)),
            ("guardduty", json!(self.guardduty)),
            ("attack", json!(self.attack)),
        ]
    }

    fn columns(lang: Lang) -> Vec<&'static str> {
        match lang {
            Lang::En => vec!["TIME", "SEVERITY", "WHAT", "PRINCIPAL", "TARGET", "FROM", "COUNT"],
            Lang::Ja => vec!["時刻", "重大度", "内容", "プリンシパル", "対象", "送信元", "件数"],
        }
    }

    fn cells(&self, lang: Lang) -> Vec<Cell> {
        vec![
            Cell::plain(&self.time),
            Cell::severity(self.severity, lang),
            Cell::plain(self.title.get(lang)),
            Cell::plain(text(&self.principal)),
            Cell::plain(text(&self.target)),
            Cell::plain(text(&self.source_ip)),
            Cell::plain(self.count.to_string()),
        ]
    }

    fn ocsf(&self, lang: Lang, now: &str) -> Value {
        crate::ocsf::detection(self, lang, now)
    }

    fn group(&self, lang: Lang) -> (String, String, Severity) {
        (self.detection.clone(), self.title.get(lang).to_owned(), self.severity)
    }

    fn place(&self, lang: Lang) -> [String; 4] {
        let by = match lang {
            Lang::En => format!("{} event(s) from {}", self.count, self.time),
            Lang::Ja => format!("{} から {} 件", self.time, self.count),
        };
        let what = match (&self.principal, &self.target) {
            (Some(p), Some(t)) => format!("{p} → {t}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => "—".to_owned(),
        };
        [what, text(&self.account), text(&self.region), by]
    }

    fn fingerprint(&self) -> String {
        Finding::from_detection(self).id
    }
}

impl Record for Finding {
    const MORE: &'static [Format] = &[Format::Asff, Format::Xlsx];

    fn asff(&self, lang: Lang) -> Option<Value> {
        Some(crate::asff::finding(self, lang))
    }

    fn fields(&self, lang: Lang) -> Vec<(&'static str, Value)> {
        vec![
            ("id", json!(self.id)),
            ("class", json!(self.class)),
            ("rule", json!(self.rule)),
            ("severity", json!(self.severity)),
            ("status", json!(self.status)),
            ("title", json!(self.title.get(lang))),
            ("reason", json!(self.reason.get(lang))),
            ("resource", json!(self.resource)),
            ("type", json!(self.resource_type)),
            ("account", json!(self.account)),
            ("region", json!(self.region)),
            ("owner", json!(self.owner)),
            ("first_seen", json!(self.first_seen)),
            ("last_seen", json!(self.last_seen)),
            ("suppressed_reason", json!(self.suppressed_reason)),
            ("suppressed_until", json!(self.suppressed_until)),
            ("evidence", self.evidence.clone()),
        ]
    }

    fn columns(lang: Lang) -> Vec<&'static str> {
        match lang {
            Lang::En => vec!["ID", "SEVERITY", "STATUS", "RULE", "RESOURCE", "WHAT"],
            Lang::Ja => vec!["ID", "重大度", "状態", "ルール", "リソース", "内容"],
        }
    }

    fn cells(&self, lang: Lang) -> Vec<Cell> {
        vec![
            Cell::plain(&self.id),
            Cell::severity(self.severity, lang),
            Cell::plain(self.status.as_str()),
            Cell::plain(&self.rule),
            Cell::plain(&self.resource),
            Cell::plain(self.title.get(lang)),
        ]
    }

    fn ocsf(&self, lang: Lang, now: &str) -> Value {
        crate::ocsf::finding(self, lang, now)
    }

    fn group(&self, lang: Lang) -> (String, String, Severity) {
        (self.rule.clone(), self.title.get(lang).to_owned(), self.severity)
    }

    fn place(&self, lang: Lang) -> [String; 4] {
        [self.resource.clone(), text(&self.account), text(&self.region), self.reason.get(lang).to_owned()]
    }

    fn fingerprint(&self) -> String {
        self.id.clone()
    }
}
