//! ARNs as a policy can name them.

use yagura_model::is_account_id;

/// An ARN's length is at most this (`docs.aws.amazon.com/IAM/latest/APIReference/API_ResourceSpecificResult.html`).
pub const MAX_ARN: usize = 2048;

/// Whether a policy can hold the character (`docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html`,
/// `PolicyDocument`) and takes it for itself.
fn is_plain(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{ff}') && !matches!(c, '*' | '?' | '$')
}

/// A name that can stand in an ARN's pattern as it is.
pub fn is_plain_name(name: &str) -> bool {
    // `$LATEST` is a version of a function.
    (!name.is_empty() && name.len() <= MAX_ARN && name.chars().all(is_plain)) || name == "$LATEST"
}

/// The pattern for an ARN from a record: itself, or as much of it, up to a `/` or `:`, as a policy can name. `None` if
/// that isn't at least its account.
pub fn pattern_of(arn: &str) -> Option<String> {
    shorten(arn, |rest, c| is_plain(c) || (c == '$' && !rest.starts_with('{')))
}

/// The same of a pattern, whose wildcards are meant.
pub fn pattern(arn: &str) -> Option<String> {
    shorten(arn, |rest, c| is_plain(c) || c == '*' || c == '?' || (c == '$' && !rest.starts_with('{')))
}

/// Whether partition, Region and account are such as AWS has.
fn is_sound(arn: &str) -> bool {
    let mut fields = arn.splitn(6, ':');
    let mut field = || fields.next().unwrap_or_default();
    let (scheme, partition, service, region, account) = (field(), field(), field(), field(), field());
    let word = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let wild = |text: &str| text == "*";
    let is_account = account.is_empty() || account == "aws" || wild(account) || is_account_id(account);
    scheme == "arn"
        && partition.starts_with("aws")
        && word(partition)
        && !service.is_empty()
        && word(service)
        && (word(region) || wild(region))
        && is_account
}

fn shorten(arn: &str, fits: impl Fn(&str, char) -> bool) -> Option<String> {
    if !is_sound(arn) {
        return None;
    }
    let mut end = arn.len();
    for (at, c) in arn.char_indices() {
        if at + c.len_utf8() > MAX_ARN || !fits(&arn[at + c.len_utf8()..], c) {
            end = at;
            break;
        }
    }
    let start = arn.match_indices(':').nth(4)?.0 + 1;
    if end == arn.len() {
        return Some(arn.to_owned()).filter(|_| start < end);
    }
    if end < start {
        return None;
    }
    let cut = arn[..end].rfind(['/', ':'])? + 1;
    Some(format!("{}*", &arn[..cut]))
}
