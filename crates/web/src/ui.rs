//! What every page knows of its reader: language, theme, and how to say things.

use crate::evidence;
use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use chrono::DateTime;
use serde::Deserialize;
use std::convert::Infallible;
use yagura_hub::Reason;
use yagura_model::{Finding, Lang, Severity, Status, Text};
use yagura_posture::Stage;

/// The reader of a page.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    pub lang: Lang,
    /// `light`, `dark`, or `auto` for the system's.
    pub theme: &'static str,
    /// The query asked for, for the language and theme links. Without the path: one that begins with `//` would lead to
    /// another host.
    pub here: String,
    /// Cookies to set when the address chose a language or theme.
    pub remember: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Choice {
    lang: Option<String>,
    theme: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Ui {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Ui, Infallible> {
        let choice = Query::<Choice>::try_from_uri(&parts.uri).map(|q| q.0).unwrap_or_default();
        let mut remember = Vec::new();
        let mut keep = |name: &str, value: &str| {
            remember.push(format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"));
        };
        let lang = match choice.lang.as_deref().and_then(|l| l.parse::<Lang>().ok()) {
            Some(lang) => {
                keep("lang", lang.tag());
                lang
            }
            None => {
                cookie(&parts.headers, "lang").and_then(|l| l.parse().ok()).unwrap_or_else(|| accepted(&parts.headers))
            }
        };
        let theme = match choice.theme.as_deref().and_then(theme) {
            Some(chosen) => {
                keep("theme", chosen);
                chosen
            }
            None => cookie(&parts.headers, "theme").as_deref().and_then(theme).unwrap_or("auto"),
        };
        Ok(Ui { lang, theme, here: without_choice(parts.uri.query()), remember })
    }
}

/// Digits in groups of three, as both languages write them.
fn grouped(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digit != '-' {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn theme(word: &str) -> Option<&'static str> {
    ["light", "dark", "auto"].into_iter().find(|t| *t == word)
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// Japanese when it stands before English in `Accept-Language`.
fn accepted(headers: &HeaderMap) -> Lang {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let place = |tag: &str| wanted.split(',').position(|l| l.trim().starts_with(tag));
    match (place("ja"), place("en")) {
        (Some(ja), Some(en)) if ja < en => Lang::Ja,
        (Some(_), None) => Lang::Ja,
        _ => Lang::En,
    }
}

/// The query less the choices that are remembered, ending so that one can be appended.
fn without_choice(query: Option<&str>) -> String {
    let kept: Vec<&str> = query
        .unwrap_or("")
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("lang=") && !p.starts_with("theme="))
        .collect();
    if kept.is_empty() { "?".to_owned() } else { format!("?{}&", kept.join("&")) }
}

/// Control signs, and those that turn the reading direction of what follows, as a visible mark, so that no name can
/// dress up as another.
pub(crate) fn visible(c: char) -> char {
    match c {
        '\n' => c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}

/// At most `cap` letters of a text from outside, all of them visible.
pub(crate) fn short(text: &str, cap: usize) -> String {
    let mut letters = text.chars().map(visible);
    let mut out: String = letters.by_ref().take(cap).collect();
    if letters.next().is_some() {
        out.push('…');
    }
    out
}

impl Ui {
    /// The phrase in the reader's language.
    pub fn w<'a>(&self, en: &'a str, ja: &'a str) -> &'a str {
        match self.lang {
            Lang::En => en,
            Lang::Ja => ja,
        }
    }

    /// A bilingual text in the reader's language.
    pub fn say<'t>(&self, text: &'t Text) -> &'t str {
        text.get(self.lang)
    }

    pub fn reason(&self, reason: &Reason) -> String {
        reason.text(self.lang)
    }

    /// A rule's id as one segment of an address; `CIS-5.0/1.1` has a slash.
    pub fn slug(&self, id: &str) -> String {
        id.replace('/', "~")
    }

    /// Where the browser finds one of the console's own files.
    pub fn asset(&self, name: &str) -> String {
        crate::pages::assets::address(name)
    }

    /// A number with what it counts.
    pub fn count(&self, n: &i64, one: &str, many: &str, ja: &str) -> String {
        let digits = grouped(*n);
        match self.lang {
            Lang::En => format!("{digits} {}", if *n == 1 { one } else { many }),
            Lang::Ja => format!("{digits} {ja}"),
        }
    }

    /// How many findings.
    pub fn findings(&self, n: &i64) -> String {
        self.count(n, "finding", "findings", "件")
    }

    /// About how long a fix takes.
    pub fn minutes(&self, minutes: &u32) -> String {
        match self.lang {
            Lang::En => format!("about {minutes} min"),
            Lang::Ja => format!("約 {minutes} 分"),
        }
    }

    /// What happened to a finding, from its history.
    pub fn event(&self, what: &str) -> String {
        let (en, ja) = match what {
            "opened" => ("Found", "検出"),
            "reopened" => ("Open again", "再オープン"),
            "notified" => ("Owner told", "担当者へ通知"),
            "suppressed" => ("Suppressed", "抑制"),
            "unsuppressed" => ("Suppression ended", "抑制を解除"),
            "resolved" => ("Resolved", "解決"),
            other => return other.to_owned(),
        };
        self.w(en, ja).to_owned()
    }

    /// Name of a fact that comes with an alert.
    pub fn fact<'a>(&self, key: &'a str) -> &'a str {
        let (en, ja) = match key {
            "principal" => ("Principal", "プリンシパル"),
            "session" => ("Session", "セッション"),
            "source_ip" => ("Source IP", "送信元 IP"),
            "target" => ("Target", "対象"),
            "count" => ("Events", "イベント数"),
            "attack" => ("MITRE ATT&CK", "MITRE ATT&CK"),
            "guardduty" => ("GuardDuty type", "GuardDuty の種別"),
            "event_ids" => ("Event ids", "イベント ID"),
            other => return other,
        };
        match self.lang {
            Lang::En => en,
            Lang::Ja => ja,
        }
    }

    pub fn tag(&self) -> &'static str {
        self.lang.tag()
    }

    pub fn other_lang(&self) -> &'static str {
        self.w("ja", "en")
    }

    pub fn other_lang_name(&self) -> &'static str {
        self.w("日本語", "English")
    }

    pub fn severity(&self, severity: &Severity) -> &'static str {
        severity.word(self.lang)
    }

    /// A shape beside the word, so that colour is never the only sign.
    pub fn shape(&self, severity: &Severity) -> &'static str {
        match severity {
            Severity::Critical => "◆",
            Severity::High => "▲",
            Severity::Medium => "●",
            Severity::Low => "▽",
            Severity::Informational => "○",
        }
    }

    pub fn status(&self, status: &Status) -> &'static str {
        let (en, ja) = match status {
            Status::New => ("New", "未対応"),
            Status::Notified => ("Notified", "通知済み"),
            Status::Suppressed => ("Suppressed", "抑制中"),
            Status::Resolved => ("Resolved", "解決済み"),
        };
        self.w(en, ja)
    }

    pub fn stage(&self, stage: &Stage) -> &'static str {
        let (en, ja) = match stage {
            Stage::Minimum => ("Minimum", "最小"),
            Stage::Standard => ("Standard", "標準"),
            Stage::Hardened => ("Hardened", "堅牢"),
        };
        self.w(en, ja)
    }

    pub fn stage_meaning(&self, stage: &Stage) -> &'static str {
        let (en, ja) = match stage {
            Stage::Minimum => ("nobody takes the account tonight", "今夜アカウントを奪われない"),
            Stage::Standard => ("what a client or an auditor expects", "取引先や監査人が求める水準"),
            Stage::Hardened => ("an intruder is contained and seen", "侵入されても封じ込め、気付ける"),
        };
        self.w(en, ja)
    }

    /// How long ago `then` was, seen from `now` (both RFC 3339).
    pub fn ago(&self, then: &str, now: &str) -> String {
        let (Ok(then), Ok(now)) = (DateTime::parse_from_rfc3339(then), DateTime::parse_from_rfc3339(now)) else {
            return then.to_owned();
        };
        let minutes = (now - then).num_minutes().max(0);
        let (n, en, ja) = match minutes {
            0 => return self.w("just now", "たった今").to_owned(),
            1..60 => (minutes, "min", "分"),
            60..2880 => (minutes / 60, "h", "時間"),
            2880..86400 => (minutes / 1440, "days", "日"),
            // Beyond two months a date says more than a number of days.
            _ => return then.format("%Y-%m-%d").to_string(),
        };
        match self.lang {
            Lang::En => format!("{n} {en} ago"),
            Lang::Ja => format!("{n} {ja}前"),
        }
    }

    /// A time as a reader in Japan or elsewhere writes it, to the minute, in UTC.
    pub fn time(&self, time: &str) -> String {
        let (day, rest) = time.split_once('T').unwrap_or((time, ""));
        format!("{} {} UTC", day, rest.get(..5).unwrap_or("")).replace("  ", " ")
    }

    /// What a fix costs, from the rule's head.
    pub fn cost(&self, word: &str) -> &'static str {
        match word {
            "free" => self.w("free", "無料"),
            "low" => self.w("a little", "少額"),
            _ => self.w("by usage", "従量"),
        }
    }

    /// Whether a fix can break production, from the rule's head.
    pub fn risk(&self, word: &str) -> &'static str {
        match word {
            "none" => self.w("none", "なし"),
            "low" => self.w("low", "小"),
            "medium" => self.w("medium", "中"),
            _ => self.w("high", "大"),
        }
    }

    /// A framework's name from its key in the rule's head.
    pub fn framework(&self, key: &str) -> String {
        match key {
            "fsbp" => "AWS FSBP".to_owned(),
            "config-rule" => self.w("AWS Config rule", "AWS Config ルール").to_owned(),
            "prowler" => "Prowler".to_owned(),
            _ => match key.strip_prefix("cis-aws-") {
                Some(version) => format!("CIS AWS {}", version.replace('_', ".")),
                None => key.to_owned(),
            },
        }
    }

    /// Beginning of a long text from outside, for lists.
    pub fn brief(&self, text: &str) -> String {
        short(text, 160)
    }

    /// A finding's reason, as HTML.
    pub fn because(&self, finding: &Finding) -> String {
        self.code(&evidence::reason(self, finding))
    }

    /// Beginning of a finding's reason, as HTML.
    pub fn gist(&self, finding: &Finding) -> String {
        self.code(&self.brief(&evidence::reason(self, finding)))
    }

    /// A whole name from outside, as far as a page can hold it.
    pub fn name(&self, text: &str) -> String {
        short(text, 2000)
    }

    /// The text as HTML, with what stands in backticks as code.
    pub fn code(&self, text: &str) -> String {
        let text = short(text, 2000);
        let mut html = String::with_capacity(text.len() + 32);
        for (i, part) in text.split('`').enumerate() {
            let part = yagura_report::escape_html(part);
            if i % 2 == 1 {
                html.push_str(&format!("<code>{part}</code>"));
            } else {
                html.push_str(&part);
            }
        }
        html
    }

    #[cfg(test)]
    pub fn plain() -> Ui {
        Ui { lang: Lang::En, theme: "auto", here: String::new(), remember: Vec::new() }
    }

    /// Answer headers that keep the reader's choice.
    pub fn cookies(&self) -> impl Iterator<Item = HeaderValue> + '_ {
        self.remember.iter().filter_map(|c| HeaderValue::from_str(c).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::{accepted, grouped, short, without_choice};
    use axum::http::{HeaderMap, HeaderValue, header};
    use yagura_model::Lang;

    #[test]
    fn the_language_is_the_first_of_ours_that_the_browser_asks_for() {
        let lang = |asked: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(asked));
            accepted(&headers)
        };
        assert_eq!(lang("ja,en-US;q=0.9,en;q=0.8"), Lang::Ja);
        assert_eq!(lang("en-GB,ja;q=0.5"), Lang::En);
        assert_eq!(lang("de"), Lang::En);
    }

    #[test]
    fn links_keep_the_query_and_never_name_a_host() {
        assert_eq!(without_choice(Some("q=a&lang=ja&theme=dark")), "?q=a&");
        assert_eq!(without_choice(None), "?");
    }

    #[test]
    fn what_turns_the_reading_direction_is_made_visible() {
        assert_eq!(short("a\u{202e}b\u{1b}[31m", 9), "a\u{fffd}b\u{fffd}[31m");
        assert_eq!(short("abc", 2), "ab…");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(122), "122");
    }
}
