//! A notice in the form of Slack's incoming webhooks, which many others read, too.

use serde_json::{Value, json};
use yagura_hub::Topic;
use yagura_model::{Finding, Lang};

/// Findings that a notice names one by one.
const NAMED: usize = 10;
/// Characters of the list of findings; Slack takes 3,000 in a section.
const SECTION: usize = 2900;

/// What a notice is about: the open findings of one rule.
pub(crate) struct Notice<'a> {
    pub findings: &'a [Finding],
    pub topic: Option<&'a Topic>,
    pub lang: Lang,
    /// Where the console is reached, without a slash at the end.
    pub console: Option<&'a str>,
}

/// Slack's three special characters; without this a log could call out `<!channel>`. What breaks lines, turns the reading
/// direction or ends a code span is taken out, too.
fn escape(text: &str) -> String {
    let unseen =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let cleaned: String = text
        .chars()
        .filter(|c| !unseen(*c))
        .map(|c| match c {
            '`' => '\'',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    cleaned.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text with our own links in it; `verbatim` keeps Slack from making more of what looks like an address or a name.
fn markdown(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
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
        say("nobody (no Owner tag)", "未設定（Owner タグなし）")
    } else {
        owners.join(", ")
    };
    let lines = notice.findings.iter().take(NAMED).map(|f| {
        let name = escape(&cut(&f.resource, 200));
        let link = notice.console.map_or_else(|| format!("`{name}`"), |c| format!("<{c}/findings/{}|{name}>", f.id));
        format!("• {link}  {}", escape(&cut(f.reason.get(lang), 200)))
    });
    // Whole lines only: half a link would spill its address.
    let (mut list, mut named) = (String::new(), 0);
    for line in lines.take_while(|line| line.chars().count() < SECTION) {
        if list.chars().count() + line.chars().count() + 1 > SECTION {
            break;
        }
        list.push_str(&line);
        list.push('\n');
        named += 1;
    }
    if count > named {
        list.push_str(&say(&format!("… and {} more", count - named), &format!("… ほか {} 件", count - named)));
    }
    let fix = match notice.topic.and_then(|t| t.playbook.as_ref()) {
        Some(_) => format!("`yagura fix {}`", first.id),
        None => format!("`yagura explain {}`", escape(&first.rule)),
    };
    let field = |name: String, value: &str| markdown(&format!("*{name}*\n{value}"));
    let place = |value: &Option<String>| escape(&cut(value.as_deref().unwrap_or("—"), 64));
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&head, 150)}}),
        json!({"type": "section", "fields": [
            field(say("Account", "アカウント"), &place(&first.account)),
            field(say("Region", "リージョン"), &place(&first.region)),
            field(say("Owner", "担当"), &escape(&cut(&owner, 200))),
            field(say("Fix", "直し方"), &fix),
        ]}),
        json!({"type": "section", "text": markdown(&list)}),
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
            resource: "arn:aws:s3:::<!channel>\n`evil`\u{202e}".into(),
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
        let body = message(&notice);
        for block in body["blocks"].as_array().expect("blocks") {
            for part in block["fields"].as_array().into_iter().flatten().chain([&block["text"]]) {
                assert!(part["type"] != "mrkdwn" || part["verbatim"] == true, "{part}");
            }
        }
        let text = body.to_string();
        assert!(!text.contains("`evil`") && !text.contains('\u{202e}'), "{text}");
        assert!(!text.contains("<!channel>") && !text.contains("<@U1>"), "{text}");
        assert!(text.contains("【高】公開バケット") && text.contains("http://127.0.0.1:7117/findings/F-1"), "{text}");
    }
}
