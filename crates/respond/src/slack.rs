//! A notice in the form of Slack's incoming webhooks, which many others read, too.

use serde_json::{Value, json};
use yagura_hub::Topic;
use yagura_model::{Finding, Lang};

/// Findings that a notice names one by one.
const NAMED: usize = 10;

/// What a notice is about: the open findings of one rule.
pub(crate) struct Notice<'a> {
    pub findings: &'a [Finding],
    pub topic: Option<&'a Topic>,
    pub lang: Lang,
    /// Where the console is reached, without a slash at the end.
    pub console: Option<&'a str>,
}

/// Slack's three special characters; without this a log could call out `<!channel>`.
fn escape(text: &str) -> String {
    let cleaned: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cleaned.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// The message's body.
pub(crate) fn message(notice: &Notice<'_>) -> Value {
    let Some(first) = notice.findings.first() else { return json!({"text": ""}) };
    let lang = notice.lang;
    let say = |en: &str, ja: &str| if lang == Lang::Ja { ja.to_owned() } else { en.to_owned() };
    let title = first.title.get(lang);
    let count = notice.findings.len();
    let head = match lang {
        Lang::En => format!("[{}] {title}", first.severity),
        Lang::Ja => format!("【{}】{title}", severity_ja(first)),
    };
    let head = if count > 1 { format!("{head} ({count})") } else { head };
    let mut owners: Vec<&str> = notice.findings.iter().filter_map(|f| f.owner.as_deref()).collect();
    owners.sort_unstable();
    owners.dedup();
    let owner = if owners.is_empty() {
        say("nobody (no Owner tag)", "未設定(Owner タグなし)")
    } else {
        owners.join(", ")
    };
    let list: Vec<String> = notice
        .findings
        .iter()
        .take(NAMED)
        .map(|f| {
            let name = escape(&cut(&f.resource, 200));
            let link =
                notice.console.map_or_else(|| format!("`{name}`"), |c| format!("<{c}/findings/{}|{name}>", f.id));
            format!("• {link}  {}", escape(&cut(f.reason.get(lang), 200)))
        })
        .collect();
    let more = if count > NAMED { say("\n… and more", "\n… ほか") } else { String::new() };
    let fix = match notice.topic.and_then(|t| t.playbook.as_ref()) {
        Some(_) => format!("`yagura fix {}`", first.id),
        None => format!("`yagura explain {}`", escape(&first.rule)),
    };
    let field = |name: String, value: &str| json!({"type": "mrkdwn", "text": format!("*{name}*\n{value}")});
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&head, 150)}}),
        json!({"type": "section", "fields": [
            field(say("Account", "アカウント"), first.account.as_deref().unwrap_or("—")),
            field(say("Region", "リージョン"), first.region.as_deref().unwrap_or("—")),
            field(say("Owner", "担当"), &escape(&cut(&owner, 200))),
            field(say("Fix", "直し方"), &fix),
        ]}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(&format!("{}{more}", list.join("\n")), 2900)}}),
    ];
    if let Some(console) = notice.console {
        let address = format!("{console}/findings/{}", first.id);
        blocks.push(json!({"type": "actions", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": say("Open", "詳細を開く")}, "url": address},
        ]}));
    }
    json!({"text": escape(&head), "blocks": blocks})
}

fn severity_ja(finding: &Finding) -> &'static str {
    finding.severity.word(Lang::Ja)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_model::{FindingClass, Severity, Status, Text};

    #[test]
    fn a_resource_name_cannot_call_the_channel() {
        let finding = Finding {
            id: "F-1".into(),
            class: FindingClass::Compliance,
            rule: "S3.8".into(),
            severity: Severity::High,
            status: Status::New,
            title: Text::new("Open bucket", "公開バケット"),
            reason: Text::new("<!channel> & co", "理由"),
            resource: "arn:aws:s3:::<!channel>\n".into(),
            resource_type: None,
            account: None,
            region: None,
            owner: Some("<@U1>".into()),
            evidence: Value::Null,
            first_seen: String::new(),
            last_seen: String::new(),
            suppressed_reason: None,
            suppressed_until: None,
        };
        let notice = Notice {
            findings: std::slice::from_ref(&finding),
            topic: None,
            lang: Lang::Ja,
            console: Some("http://127.0.0.1:7117"),
        };
        let text = message(&notice).to_string();
        assert!(!text.contains("<!channel>") && !text.contains("<@U1>"), "{text}");
        assert!(text.contains("【高】公開バケット") && text.contains("http://127.0.0.1:7117/findings/F-1"), "{text}");
    }
}
