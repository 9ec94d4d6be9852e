//! Actions and resources that don't go together: an action acts on resources of its types alone, and one that takes
//! none is matched by `*` alone.
//!
//! `docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html`,
//! "Resource types" and "Actions table".

use super::pattern::{Token, meet, tokens};
use super::read::{Part, View};
use super::{PolicyType, Remark};
use crate::catalogue::Action;
use crate::context::Context;
use std::collections::HashMap;
use yagura_model::{Arn, Severity, Text, is_account_id};

/// Resources of one statement that are compared with the types of its actions.
const MAX_RESOURCES: usize = 500;

pub fn check(view: &View, kind: PolicyType, remarks: &mut Vec<Remark>) {
    if kind == PolicyType::Trust {
        if view.names_resources {
            let at = format!("{}.{}", view.at, if view.not_resource { "NotResource" } else { "Resource" });
            let text = Text::new(
                "A trust policy can't name a resource, since the role is the resource: remove it",
                "信頼ポリシーではロール自身がリソースになるため、リソースは指定できません。削除してください",
            );
            remarks.push(view.remark("resource-in-trust", Severity::Medium, &at, text));
        }
        return;
    }
    let wrong: Vec<Remark> = view.resources.iter().filter_map(|part| malformed(view, part, kind)).collect();
    let is_wrong = !wrong.is_empty();
    remarks.extend(wrong);
    if is_wrong || view.not_resource || view.resources.is_empty() || view.resources.len() > MAX_RESOURCES {
        return;
    }
    mismatches(view, remarks);
}

fn malformed(view: &View, part: &Part, kind: PolicyType) -> Option<Remark> {
    let text = part.text.as_str();
    let shown: String = text.chars().take(120).collect();
    // API Gateway completes what begins like this.
    let short = kind == PolicyType::Resource && text.starts_with("execute-api:/");
    let may_be_arn = text == "*" || short || text.starts_with(['*', '?', '$']) || text.starts_with("arn:");
    if !may_be_arn {
        let text = Text::new(
            format!("`{shown}` is no ARN, which AWS refuses: write an ARN or *"),
            format!("`{shown}` は ARN ではないため AWS に拒否されます。ARN または * を指定してください"),
        );
        return Some(view.remark("invalid-resource", Severity::Medium, &part.at, text));
    }
    let arn = Arn::parse(text)?;
    let fixed = |field: &str| !field.is_empty() && !field.contains(['*', '?', '$', '{', '<']);
    if fixed(arn.partition) && !arn.partition.starts_with("aws") {
        let partition = arn.partition;
        let text = Text::new(
            format!("`{partition}` is no partition of AWS's: write aws, aws-cn or aws-us-gov"),
            format!(
                "`{partition}` という AWS パーティションはありません。aws、aws-cn、aws-us-gov などを指定してください"
            ),
        );
        return Some(view.remark("wrong-partition", Severity::Medium, &part.at, text));
    }
    let account = arn.account;
    let digits = account.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if fixed(account) && digits && !is_account_id(account) {
        let text = Text::new(
            format!("`{account}` of `{shown}` is no account's id: write its 12 digits"),
            format!("`{shown}` の `{account}` はアカウント ID ではありません。12 桁の数字を指定してください"),
        );
        return Some(view.remark("wrong-account-id", Severity::Medium, &part.at, text));
    }
    None
}

/// Which resources of a statement can be of which type.
struct Fits<'a> {
    resources: Vec<Vec<Token>>,
    known: HashMap<String, Vec<bool>>,
    view: &'a View,
}

impl Fits<'_> {
    /// For each resource, whether it can be of one of the types that the action takes.
    fn of(&mut self, action: &Action) -> Vec<bool> {
        let mut fits = vec![false; self.view.resources.len()];
        for taken in action.takes() {
            let arn = taken.arn();
            let of_type = self.known.entry(arn).or_insert_with_key(|arn| {
                let format = format_tokens(arn);
                self.resources.iter().map(|resource| meet(resource, &format)).collect()
            });
            fits.iter_mut().zip(of_type).for_each(|(fit, one)| *fit |= *one);
        }
        fits
    }
}

/// An ARN with placeholders as a pattern. The first five fields hold no colon and a bucket's name no slash; other parts
/// may hold either.
fn format_tokens(arn: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = arn;
    while let Some((text, after)) = rest.split_once("${") {
        found.extend(text.chars().map(plain));
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let before = arn.len() - after.len();
        let field = arn[..before].matches(':').count();
        found.push(match name {
            "BucketName" => Token::Without('/'),
            _ if field < 5 => Token::Without(':'),
            _ => Token::Many,
        });
        rest = after;
    }
    found.extend(rest.chars().map(plain));
    found
}

/// The ARNs of the first action that takes a resource: those that its calls must name, or the two shortest.
fn kinds(actions: &[&Action]) -> Vec<String> {
    let mut taken = actions.iter().map(|a| a.takes()).find(|taken| !taken.is_empty()).unwrap_or_default();
    taken.sort_by_cached_key(|t| (!t.needed, t.arn().len()));
    taken.iter().take(2).map(|t| format!("`{}`", t.arn())).collect()
}

fn plain(c: char) -> Token {
    if c == '*' { Token::Many } else { Token::Char(c) }
}

fn mismatches(view: &View, remarks: &mut Vec<Remark>) {
    let context = Context::default();
    let resources: Vec<Vec<Token>> = view.statement.resources.iter().map(|r| tokens(&r.widest(&context))).collect();
    if view.resources.iter().any(|part| part.text == "*") || view.not_action || resources.len() != view.resources.len()
    {
        return;
    }
    // S3's own examples list all buckets by `arn:aws:s3:::*`.
    let whole = view.resources.iter().any(|part| Arn::parse(&part.text).is_some_and(|arn| arn.resource == "*"));
    let mut fits = Fits { resources, known: HashMap::new(), view };
    let mut used = vec![false; view.resources.len()];
    let mut open = false;
    for part in &view.actions {
        if part.text == "*" || part.text == "*:*" {
            return;
        }
        let covered = crate::catalogue::expand(&part.text);
        open |= covered.is_empty();
        let mut any = false;
        let mut takes_any = false;
        for action in &covered {
            let of = fits.of(action);
            takes_any |= !action.takes().is_empty();
            any |= of.contains(&true);
            used.iter_mut().zip(of).for_each(|(used, fit)| *used |= fit);
        }
        if any || covered.is_empty() {
            continue;
        }
        let shown: String = part.text.chars().take(120).collect();
        let does = if view.allows() { ("allows", "許可") } else { ("denies", "拒否") };
        if takes_any {
            let wanted = kinds(&covered);
            let text = Text::new(
                format!(
                    "`{shown}` acts on {}, which none of the statement's resources is: it {} nothing, so add such a resource or remove the action",
                    wanted.join(" or "),
                    does.0
                ),
                format!(
                    "`{shown}` の対象は {} ですが、このステートメントに該当するリソースがないため何も{}されません。リソースを追加するかアクションを削除してください",
                    wanted.join(" または "),
                    does.1
                ),
            );
            remarks.push(view.remark("action-resource-mismatch", Severity::Medium, &part.at, text));
        } else if !whole {
            let text = Text::new(
                format!(
                    "`{shown}` takes no resource, so this {} nothing: put it into a statement with `Resource: \"*\"`",
                    does.0
                ),
                format!(
                    "`{shown}` はリソースを指定できないアクションのため、これでは何も{}されません。Resource が \"*\" のステートメントに移してください",
                    does.1
                ),
            );
            let severity = if view.allows() { Severity::Low } else { Severity::Medium };
            remarks.push(view.remark("resourceless-action", severity, &part.at, text));
        }
    }
    // A resource that fits nothing is told of only where some other does: else the actions' remarks say it all.
    if open || !used.contains(&true) {
        return;
    }
    for (part, _) in view.resources.iter().zip(used).filter(|(_, used)| !used) {
        let shown: String = part.text.chars().take(120).collect();
        let text = Text::new(
            format!("None of the statement's actions acts on `{shown}`: correct it, or add the actions that do"),
            format!(
                "このステートメントに `{shown}` を対象とするアクションがありません。リソースを修正するか、該当するアクションを追加してください"
            ),
        );
        remarks.push(view.remark("resource-without-action", Severity::Low, &part.at, text));
    }
}
