//! What a file is, told by its content: names say too little (`template.json`, `plan.json`, `prod.txt`).

use super::scan;

/// A kind of evidence that a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A CloudFormation or SAM template.
    Template,
    /// What `terraform show -json` writes for a plan or a state.
    Terraform,
    /// An AWS Config snapshot, history file or API answer.
    Config,
    /// What `yagura scan --resources` writes.
    Resources,
}

/// A sentence in English and in Japanese.
pub(super) type Said = (&'static str, &'static str);

/// What the bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    Is(Kind),
    /// No evidence, but close to it: why, and what to do.
    Near(Said, Said),
    /// Something else.
    Other,
}

/// Keys under which AWS Config's files and API answers have their items.
pub(super) const ITEM_KEYS: &[&str] = &["configurationItems", "baseConfigurationItems"];

/// Whether Config items are all that there are: a snapshot has an id, a history file or an API answer has none.
pub(super) fn is_snapshot(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    scan::top_keys(head).is_some_and(|keys| keys.iter().any(|(key, _)| key == "configSnapshotId"))
}

/// Tells what a file is from its bytes, of which the end may be missing.
pub(super) fn guess(head: &[u8]) -> Guess {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let Some(keys) = scan::top_keys(head) else {
        if head.starts_with(b"PK\x03\x04") {
            return Guess::Near(
                (
                    "is a zip archive, maybe a binary Terraform plan",
                    "zip アーカイブ（Terraform のバイナリープランかもしれません）です",
                ),
                (
                    "write the plan as JSON: `terraform show -json FILE > plan.json`",
                    "`terraform show -json FILE > plan.json` で JSON に書き出してください",
                ),
            );
        }
        return if template_key(head) { Guess::Is(Kind::Template) } else { Guess::Other };
    };
    let has = |name: &str| keys.iter().any(|(key, _)| key == name);
    let array = |name: &str| keys.iter().any(|(key, first)| key == name && *first == b'[');
    if ITEM_KEYS.iter().any(|key| array(key)) {
        return Guess::Is(Kind::Config);
    }
    if has("AWSTemplateFormatVersion") || keys.iter().any(|(key, first)| key == "Resources" && *first == b'{') {
        return Guess::Is(Kind::Template);
    }
    if has("format_version") && (has("planned_values") || has("values") || has("resource_changes")) {
        return Guess::Is(Kind::Terraform);
    }
    if has("type") && has("id") && has("properties") {
        return Guess::Is(Kind::Resources);
    }
    if has("@level") && has("@message") {
        return Guess::Near(
            (
                "is the log of `terraform plan -json`, which holds no resources",
                "`terraform plan -json` のログで、リソースを含みません",
            ),
            (
                "save the plan with `terraform plan -out=FILE`, then `terraform show -json FILE > plan.json`",
                "`terraform plan -out=FILE` で保存し、`terraform show -json FILE > plan.json` で書き出してください",
            ),
        );
    }
    if has("lineage") && has("serial") && array("resources") {
        return Guess::Near(
            ("is Terraform's own state file", "Terraform 独自形式の state ファイルです"),
            (
                "write it in the documented form: `terraform show -json FILE > state.json`",
                "`terraform show -json FILE > state.json` で公開形式に書き出してください",
            ),
        );
    }
    if template_key(head) { Guess::Is(Kind::Template) } else { Guess::Other }
}

/// Whether a line begins with one of the keys that only a template has at its top. A broken template has them, too.
fn template_key(head: &[u8]) -> bool {
    let indent = |line: &[u8]| line.iter().take_while(|b| **b == b' ').count();
    let is_content = |line: &&[u8]| {
        let text = line.trim_ascii();
        !(text.is_empty() || text.starts_with(b"#") || text.starts_with(b"%") || text.starts_with(b"---"))
    };
    // All of a document may be indented.
    let top = head.split(|b| *b == b'\n').find(is_content).map_or(0, indent);
    head.split(|b| *b == b'\n').filter(|line| indent(line) == top).any(|line| {
        let line = line.trim_ascii_start();
        let line = line.strip_prefix(b"{").unwrap_or(line).trim_ascii_end();
        let line = line.strip_prefix(b"\"").or_else(|| line.strip_prefix(b"'")).unwrap_or(line);
        let rest = line.strip_prefix(b"AWSTemplateFormatVersion").or_else(|| line.strip_prefix(b"Resources"));
        rest.is_some_and(|rest| {
            let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
            rest.trim_ascii_start().starts_with(b":")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_files_apart_by_content() {
        let cases: &[(&str, Guess)] = &[
            ("# c\nResources:\n  A: 1\n", Guess::Is(Kind::Template)),
            ("{\"Resources\": {}}", Guess::Is(Kind::Template)),
            ("{\n \"Description\": \"x\",\n \"Resources\": {\n", Guess::Is(Kind::Template)),
            ("AWSTemplateFormatVersion : '2010-09-09'\n", Guess::Is(Kind::Template)),
            ("resources:\n  Resources:\n    A: 1\n", Guess::Other),
            ("---\n# c\n  Description: x\n  Resources:\n    A: 1\n", Guess::Is(Kind::Template)),
            ("{\"format_version\":\"1.2\",\"planned_values\":{}}", Guess::Is(Kind::Terraform)),
            ("{\"format_version\":\"1.0\",\"values\":{}}", Guess::Is(Kind::Terraform)),
            ("{\"fileVersion\":\"1.0\",\"configurationItems\":[", Guess::Is(Kind::Config)),
            ("{\"type\":\"AWS::S3::Bucket\",\"id\":\"b\",\"properties\":{}}\n{", Guess::Is(Kind::Resources)),
            ("{\"Records\":[]}", Guess::Other),
            ("hello", Guess::Other),
        ];
        for (text, want) in cases {
            assert_eq!(guess(text.as_bytes()), *want, "{text}");
        }
        assert!(matches!(guess(b"{\"@level\":\"info\",\"@message\":\"x\"}"), Guess::Near(..)));
        assert!(matches!(guess(b"{\"version\":4,\"serial\":1,\"lineage\":\"x\",\"resources\":[]}"), Guess::Near(..)));
    }
}
