//! Makes a witness believable: the names that a search comes up with are the shortest that make the difference.
//!
//! Whatever is put in their place is taken only if the request still shows the same, so that nothing here can be wrong
//! but in taste.

use crate::catalogue;
use crate::confirm::covers;
use crate::context::{Context, Value};
use crate::glob::Piece;
use crate::policy::Statement;
use crate::scene::Draft;
use yagura_model::Arn;

/// Actions that people know.
const KNOWN: [&str; 48] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:ListBucket",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:DeleteBucket",
    "iam:PassRole",
    "iam:CreateUser",
    "iam:AttachRolePolicy",
    "iam:CreateAccessKey",
    "iam:GetRole",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "ec2:RunInstances",
    "ec2:TerminateInstances",
    "ec2:DescribeInstances",
    "ec2:CreateTags",
    "ec2:AuthorizeSecurityGroupIngress",
    "lambda:InvokeFunction",
    "lambda:UpdateFunctionCode",
    "lambda:CreateFunction",
    "lambda:GetFunction",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:DeleteTable",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sns:Publish",
    "sns:Subscribe",
    "secretsmanager:GetSecretValue",
    "secretsmanager:DeleteSecret",
    "ssm:GetParameter",
    "ssm:SendCommand",
    "ssm:StartSession",
    "logs:PutLogEvents",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "ecr:BatchGetImage",
    "rds:DeleteDBInstance",
    "cloudformation:CreateStack",
    "cloudtrail:StopLogging",
];

/// Puts better names of action and resource into a draft that `allow` matches, as long as `shows` says that it shows what it has to.
pub fn polish(draft: &mut Draft, allow: &Statement, shows: &dyn Fn(&Draft) -> bool) {
    let fits = |draft: &Draft| covers(allow, draft) && shows(draft);
    let mut try_out = |change: &dyn Fn(&mut Draft)| {
        let mut other = draft.clone();
        change(&mut other);
        let better = fits(&other);
        if better {
            *draft = other;
        }
        better
    };
    let filled = allow.spelled.iter().filter(|_| !allow.not_action).flat_map(|pattern| {
        let known = KNOWN.iter().filter(|k| starts_alike(pattern, k)).map(|k| (*k).to_owned());
        let service = pattern.split(':').next().unwrap_or_default();
        let of = if service.contains('*') { Vec::new() } else { catalogue::expand(pattern) };
        let real = of.into_iter().take(40).map(catalogue::Action::full);
        let words = ["Example", "", "s"].into_iter().map(|word| pattern.replace('*', word).replace('?', "a"));
        let own = Some(pattern.clone()).filter(|p| !p.contains(['*', '?']));
        own.into_iter().chain(known).chain(real).chain(words).collect::<Vec<String>>()
    });
    let filled: Vec<String> = filled.take(400).chain(KNOWN.map(str::to_owned)).collect();
    let _ = filled.iter().any(|action| try_out(&|d: &mut Draft| d.action.clone_from(action)));
    let _ = resources(draft, allow).iter().any(|resource| {
        let mut other = draft.clone();
        other.resource.clone_from(resource);
        let better = fits(&other);
        if better {
            *draft = other;
        }
        better
    });
}

/// Whether an action is of the pattern's service and begins as the pattern does.
fn starts_alike(pattern: &str, action: &str) -> bool {
    let head: String = pattern.chars().take_while(|c| !matches!(c, '*' | '?')).collect();
    action.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(&head))
}

/// Resources that a person would think of.
fn resources(draft: &Draft, allow: &Statement) -> Vec<String> {
    let service = draft.action.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let service = service.as_str();
    let partition = match (&draft.who, Arn::parse(&draft.resource)) {
        (Some(who), _) if !who.partition.is_empty() => who.partition.as_str(),
        (_, Some(arn)) if arn.partition.starts_with("aws") => arn.partition,
        _ => "aws",
    };
    if Arn::parse(&draft.resource).is_none() {
        return vec!["*".to_owned()];
    }
    let arns = |action: &str| catalogue::resources_of(action).into_iter().map(|arn| example(&arn, partition));
    let mut of = arns(&draft.action).collect::<Vec<String>>();
    of.sort_by_key(String::len);
    // AWS asks for `*` where an action acts on nothing in particular.
    let none = catalogue::is_action(&draft.action) && of.is_empty();
    let mut found: Vec<String> = none.then(|| "*".to_owned()).into_iter().collect();
    if !allow.not_resource {
        let patterns = allow.resources.iter().filter_map(|t| t.pieces(&draft.context)).take(50);
        let patterns: Vec<Vec<Piece>> = patterns.collect();
        for word in ["example", "", "1"] {
            found.extend(patterns.iter().filter(|p| p.len() > 1).map(|p| fill(p, word, partition, service)));
        }
    }
    found.extend(of);
    found.push(format!("arn:{partition}:{service}:us-east-1:111122223333:example"));
    found.extend(KNOWN.iter().flat_map(|action| arns(action)));
    found
}

/// An ARN with its placeholders filled in.
fn example(arn: &str, partition: &str) -> String {
    let mut text = arn.to_owned();
    for (name, value) in [
        ("${Partition}", partition),
        ("${Region}", "us-east-1"),
        ("${Account}", "111122223333"),
        ("${BucketName}", "example-bucket"),
        ("${ObjectName}", "example.txt"),
        ("${KeyId}", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("${InstanceId}", "i-0123456789abcdef0"),
    ] {
        text = text.replace(name, value);
    }
    while let Some((before, rest)) = text.split_once("${")
        && let Some((_, after)) = rest.split_once('}')
    {
        text = format!("{before}example{after}");
    }
    text
}

/// Resources that patterns cover, as a person would fill them in: some of those that make a difference.
pub fn samples<'a>(statements: impl Iterator<Item = &'a Statement>, context: &Context) -> Vec<String> {
    let mut found = vec!["arn:aws:s3:::example-bucket/example.txt".to_owned()];
    for pattern in statements.flat_map(|s| s.resources.iter().take(20)).filter_map(|t| t.pieces(context)) {
        if pattern != [Piece::Many] {
            found.extend(["example", "x"].map(|word| fill(&pattern, word, "aws", "s3")));
        }
    }
    found
}

/// A pattern with its wildcards filled in: `word`, but in the first fields of an ARN what stands there.
fn fill(pattern: &[Piece], word: &str, partition: &str, service: &str) -> String {
    let fields: Vec<&[Piece]> = pattern.splitn(6, |p| *p == Piece::Char(':')).collect();
    let is_arn = fields[0] == ['a', 'r', 'n'].map(Piece::Char);
    let usual = ["arn", partition, service, "us-east-1", "111122223333", word];
    let mut texts: Vec<String> = Vec::new();
    for (field, usual) in fields.iter().zip(usual) {
        let filled = |word: &str| -> String {
            let text = |piece: &Piece| match piece {
                Piece::Char(c) => c.to_string(),
                Piece::One => "1".to_owned(),
                Piece::Many => word.to_owned(),
            };
            field.iter().map(text).collect()
        };
        let start: String = filled("\u{0}").split('\u{0}').next().unwrap_or_default().to_owned();
        let rest = if is_arn { usual.strip_prefix(&start) } else { None };
        let last = texts.len() == 5;
        texts.push(if last { filled(word) } else { filled(rest.unwrap_or(word)) });
    }
    if is_arn {
        let missing = usual.iter().skip(texts.len()).map(|t| (*t).to_owned());
        texts.extend(missing);
    }
    texts.join(":")
}

/// Keys that need not be there are left out; others, of which each may have any value, get a value that a policy names, or a plain one.
pub fn simplify(draft: &mut Draft, allow: &Statement, shows: &dyn Fn(&Draft) -> bool) {
    let fits = |draft: &Draft| covers(allow, draft) && shows(draft);
    for (name, value) in draft.context.json() {
        let mut without = draft.clone();
        without.context.unset(&name);
        if fits(&without) {
            *draft = without;
            continue;
        }
        let key = name.to_ascii_lowercase();
        let list = value.is_array();
        let operands = allow.clauses.iter().filter(|c| c.key == key).flat_map(|c| &c.operands);
        let texts = operands.filter_map(|o| o.text(&draft.context)).take(20);
        let mut words: Vec<String> =
            texts.flat_map(|t| ["example", ""].map(|w| t.replace('*', w).replace('?', "a"))).collect();
        words.extend(["example", "true", "arn:aws:s3:::example-bucket"].map(str::to_owned));
        if key == "aws:requestedregion" {
            words.insert(0, "us-east-1".to_owned());
        }
        for word in words.into_iter().filter(|w| !w.is_empty()) {
            let mut other = draft.clone();
            other.context.set(&name, if list { Value::Many(vec![word]) } else { Value::One(word) });
            if fits(&other) {
                *draft = other;
                break;
            }
        }
    }
}
