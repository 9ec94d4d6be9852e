//! Sigma's value modifiers (specification 2.1, modifiers appendix), applied in the order they are written.
//!
//! Where the specification leaves a choice, pySigma's is taken. Two things are looser: a number is text to a text
//! modifier, and a time part may be compared (`eventTime|hour|gte: 20`).

use super::text::{Part, Pattern, TextMatcher};
use super::value::{Order, Test, TimePart};
use base64::{Engine, engine::general_purpose::STANDARD};
use regex::RegexBuilder;
use std::net::IpAddr;
use yagura_model::yaml::{Data, Node};

/// A value on its way through the modifiers.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text { pattern: Pattern, cased: bool },
    Number { text: String, value: f64 },
    Bool(bool),
    Null,
    Exists(bool),
    Regex { source: String, flags: Vec<char>, start: bool, end: bool },
    Cidr { net: IpAddr, prefix: u8 },
    Compare(Order, f64),
    Time(TimePart, Order, f64),
    Field { name: String, start: bool, end: bool, cased: bool },
    Any(Vec<Value>),
}

impl Value {
    /// A value as it stands in the rule; `raw` keeps a regular expression's backslashes.
    pub(crate) fn read(node: &Node, raw: bool) -> Result<Value, String> {
        let Data::Scalar { text, plain } = &node.data else {
            return Err("a value must be a string, number, boolean or null".to_owned());
        };
        if raw {
            return Ok(Value::Text { pattern: Pattern::plain(text.clone()), cased: false });
        }
        let json = if *plain { yagura_model::yaml::plain_scalar(text) } else { serde_json::Value::Null };
        Ok(match json {
            serde_json::Value::Null if *plain => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(b),
            serde_json::Value::Number(n) => Value::Number { text: text.clone(), value: n.as_f64().unwrap_or(f64::NAN) },
            _ => Value::Text { pattern: Pattern::parse(text), cased: false },
        })
    }

    fn into_pattern(self, modifier: &str) -> Result<(Pattern, bool), String> {
        match self {
            Value::Text { pattern, cased } => Ok((pattern, cased)),
            Value::Number { text, .. } => Ok((Pattern::plain(text), false)),
            _ => Err(format!("modifier `{modifier}` needs a string")),
        }
    }

    fn number(&self, modifier: &str) -> Result<f64, String> {
        match self {
            Value::Number { value, .. } => Ok(*value),
            Value::Text { pattern, .. } => pattern
                .as_plain()
                .and_then(|t| t.parse::<f64>().ok())
                .filter(|n| n.is_finite())
                .ok_or_else(|| format!("modifier `{modifier}` needs a number")),
            _ => Err(format!("modifier `{modifier}` needs a number")),
        }
    }

    /// The test that the finished value stands for; `path` numbers a field.
    pub(crate) fn into_test(self, path: &mut impl FnMut(&str) -> u32) -> Result<Test, String> {
        Ok(match self {
            Value::Text { pattern, cased } => Test::Text(TextMatcher::new(&pattern, cased)),
            Value::Number { text, value } => Test::Number { text, value },
            Value::Bool(b) => Test::Bool(b),
            Value::Null => Test::Null,
            Value::Exists(b) => Test::Exists(b),
            Value::Regex { source, flags, start, end } => {
                let source = match (start, end) {
                    (false, false) => source,
                    (true, false) => format!("^(?:{source})"),
                    (false, true) => format!("(?:{source})$"),
                    (true, true) => format!("^(?:{source})$"),
                };
                let regex = RegexBuilder::new(&source)
                    .case_insensitive(flags.contains(&'i'))
                    .multi_line(flags.contains(&'m'))
                    .dot_matches_new_line(flags.contains(&'s'))
                    .build()
                    .map_err(|e| {
                        let e = e.to_string();
                        let reason = e.lines().last().unwrap_or_default().trim_start_matches("error: ");
                        format!("regular expression `{source}`: {reason}")
                    })?;
                Test::Regex(regex)
            }
            Value::Cidr { net, prefix } => Test::Cidr { net, prefix },
            Value::Compare(order, n) => Test::Compare(order, n),
            Value::Time(part, order, n) => Test::Time(part, order, n),
            Value::Field { name, start, end, cased } => Test::Field { path: path(&name), start, end, cased },
            Value::Any(values) => Test::Any(values.into_iter().map(|v| v.into_test(path)).collect::<Result<_, _>>()?),
        })
    }
}

/// What a field's modifiers come to.
#[derive(Debug)]
pub(crate) struct Modified {
    pub(crate) values: Vec<Value>,
    pub(crate) all: bool,
    pub(crate) negated: bool,
}

/// Applies `modifiers` to `values`. `keyword` says that there is no field.
pub(crate) fn apply(modifiers: &[&str], values: Vec<Value>, keyword: bool) -> Result<Modified, String> {
    let mut out = Modified { values, all: false, negated: false };
    for (i, modifier) in modifiers.iter().enumerate() {
        match *modifier {
            "all" => out.all = true,
            "neq" => out.negated = true,
            "exists" if keyword => return Err("modifier `exists` needs a field".to_owned()),
            name => {
                let before = &modifiers[..i];
                out.values =
                    out.values.into_iter().map(|v| each(name, before, v)).collect::<Result<Vec<_>, String>>()?;
            }
        }
    }
    Ok(out)
}

fn each(name: &str, before: &[&str], value: Value) -> Result<Value, String> {
    if let Value::Any(values) = value {
        return Ok(Value::Any(values.into_iter().map(|v| each(name, before, v)).collect::<Result<_, _>>()?));
    }
    if let Some(order) = Order::parse(name) {
        return Ok(match value {
            Value::Time(part, _, n) => Value::Time(part, order, n),
            value => Value::Compare(order, value.number(name)?),
        });
    }
    if let Some(part) = TimePart::parse(name) {
        return Ok(match value {
            Value::Compare(order, n) => Value::Time(part, order, n),
            value => Value::Time(part, Order::Eq, value.number(name)?),
        });
    }
    match name {
        "contains" => Ok(affix(value.opened(name)?, true, true)),
        "startswith" => Ok(affix(value.opened(name)?, false, true)),
        "endswith" => Ok(affix(value.opened(name)?, true, false)),
        "cased" => match value {
            Value::Field { name, start, end, .. } => Ok(Value::Field { name, start, end, cased: true }),
            value => Ok(Value::Text { pattern: value.into_pattern(name)?.0, cased: true }),
        },
        "re" if before.is_empty() => {
            let (pattern, _) = value.into_pattern(name)?;
            let source = pattern.as_plain().unwrap_or_default().to_owned();
            Ok(Value::Regex { source, flags: Vec::new(), start: false, end: false })
        }
        "re" => Err("modifier `re` must come first".to_owned()),
        "i" | "ignorecase" | "m" | "multiline" | "s" | "dotall" => match value {
            Value::Regex { source, mut flags, start, end } => {
                flags.push(match name {
                    "i" | "ignorecase" => 'i',
                    "m" | "multiline" => 'm',
                    _ => 's',
                });
                Ok(Value::Regex { source, flags, start, end })
            }
            _ => Err(format!("modifier `{name}` must follow `re`")),
        },
        "cidr" if before.is_empty() => cidr(value),
        "cidr" => Err("modifier `cidr` must come first".to_owned()),
        "exists" => match value {
            Value::Bool(b) if before.is_empty() => Ok(Value::Exists(b)),
            _ => Err("modifier `exists` needs `true` or `false` and no other modifier".to_owned()),
        },
        "fieldref" => {
            let (pattern, cased) = value.into_pattern(name)?;
            let name = pattern.as_plain().ok_or("modifier `fieldref` needs a field name without wildcards")?.to_owned();
            Ok(Value::Field { name, start: false, end: false, cased })
        }
        "expand" => expand(value),
        "base64" => recode(value, name, |t| vec![STANDARD.encode(bytes_of(t, before))]),
        "base64offset" => recode(value, name, |t| base64_offsets(&bytes_of(t, before))),
        "wide" | "utf16le" => utf16(value, name, |out, c| out.extend([c, '\0'])),
        "utf16be" => utf16(value, name, |out, c| out.extend(['\0', c])),
        "utf16" => match utf16(value, name, |out, c| out.extend([c, '\0']))? {
            Value::Text { mut pattern, cased } => {
                match pattern.parts.first_mut() {
                    Some(Part::Text(t)) => t.insert(0, '\u{feff}'),
                    _ => pattern.parts.insert(0, Part::Text("\u{feff}".to_owned())),
                }
                Ok(Value::Text { pattern, cased })
            }
            value => Ok(value),
        },
        "windash" => windash(value),
        _ => Err(format!("unknown modifier `{name}`")),
    }
}

impl Value {
    /// What `contains`, `startswith` and `endswith` may be put on.
    fn opened(self, modifier: &str) -> Result<Value, String> {
        match self {
            Value::Regex { .. } | Value::Field { .. } => Ok(self),
            other => other.into_pattern(modifier).map(|(pattern, cased)| Value::Text { pattern, cased }),
        }
    }
}

/// Lets text stand before and after the value. A regular expression is a search anyway: without text before it is
/// anchored at the start, without text after at the end.
fn affix(value: Value, before: bool, after: bool) -> Value {
    match value {
        Value::Text { mut pattern, cased } => {
            if before {
                pattern.open_start();
            }
            if after {
                pattern.open_end();
            }
            Value::Text { pattern, cased }
        }
        Value::Regex { source, flags, start, end } => {
            Value::Regex { source, flags, start: start || !before, end: end || !after }
        }
        Value::Field { name, start, end, cased } => {
            Value::Field { name, start: start || after, end: end || before, cased }
        }
        other => other,
    }
}

fn cidr(value: Value) -> Result<Value, String> {
    let (pattern, _) = value.into_pattern("cidr")?;
    let text = pattern.as_plain().unwrap_or("*");
    let fail = || format!("`{text}` is no network such as 10.0.0.0/8 or 2001:db8::/32");
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let net: IpAddr = address.parse().map_err(|_| fail())?;
    let most = if net.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Ok(most), |p| p.parse::<u8>().map_err(|_| fail()))?;
    if prefix > most {
        return Err(fail());
    }
    Ok(Value::Cidr { net, prefix })
}

/// Placeholders stand for lists that Yagura doesn't have; a value without any is plain text.
fn expand(value: Value) -> Result<Value, String> {
    let text = match &value {
        Value::Text { pattern, .. } => {
            pattern.parts.iter().map(|p| if let Part::Text(t) = p { t.as_str() } else { " " }).collect::<String>()
        }
        Value::Regex { source, .. } => source.clone(),
        _ => return Ok(value),
    };
    let mut open = text.split('%').skip(1);
    let name = open.find(|n| !n.is_empty() && n.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
    match name {
        Some(name) if text.matches('%').count() > 1 => Err(format!(
            "placeholder `%{name}%` is not supported: write the values into the rule and drop the modifier `expand`"
        )),
        _ => Ok(value),
    }
}

/// The bytes that Base64 encodes; after `utf16` the mark in front is that of UTF-16.
fn bytes_of(text: &str, before: &[&str]) -> Vec<u8> {
    match text.strip_prefix('\u{feff}') {
        Some(rest) if before.contains(&"utf16") => [b"\xff\xfe", rest.as_bytes()].concat(),
        _ => text.as_bytes().to_vec(),
    }
}

/// The three forms that `bytes` can have inside a longer Base64 text, without the characters that also depend on what
/// stands before and after.
fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    (0..3usize)
        .map(|shift| {
            let encoded = STANDARD.encode([&b"   "[..shift], bytes].concat());
            let from = [0, 2, 3][shift];
            let to = encoded.len() - [0, 3, 2][(bytes.len() + shift) % 3];
            encoded.get(from..to).unwrap_or_default().to_owned()
        })
        .collect()
}

fn recode(value: Value, modifier: &str, encode: impl Fn(&str) -> Vec<String>) -> Result<Value, String> {
    let (pattern, cased) = value.into_pattern(modifier)?;
    let text = pattern.as_plain().ok_or_else(|| format!("modifier `{modifier}` can't encode wildcards"))?;
    let mut out: Vec<Value> =
        encode(text).into_iter().map(|t| Value::Text { pattern: Pattern::plain(t), cased }).collect();
    match (out.len(), out.pop()) {
        (1, Some(one)) => Ok(one),
        (_, Some(last)) => {
            out.push(last);
            Ok(Value::Any(out))
        }
        (_, None) => Ok(Value::Any(out)),
    }
}

fn utf16(value: Value, modifier: &str, put: impl Fn(&mut String, char)) -> Result<Value, String> {
    let (mut pattern, cased) = value.into_pattern(modifier)?;
    for part in &mut pattern.parts {
        if let Part::Text(text) = part {
            if !text.is_ascii() {
                return Err(format!("modifier `{modifier}` takes ASCII text only"));
            }
            let mut wide = String::with_capacity(text.len() * 2);
            text.chars().for_each(|c| put(&mut wide, c));
            *text = wide;
        }
    }
    Ok(Value::Text { pattern, cased })
}

/// Each `-` or `/` in front of a word in all five forms that Windows takes for a switch.
fn windash(value: Value) -> Result<Value, String> {
    const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    let (pattern, cased) = value.into_pattern("windash")?;
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut variants = vec![Vec::<Part>::new()];
    let mut dashes = 0;
    for part in &pattern.parts {
        let Part::Text(text) = part else {
            variants.iter_mut().for_each(|v| v.push(part.clone()));
            continue;
        };
        let chars: Vec<char> = text.chars().collect();
        let mut texts: Vec<Vec<String>> = variants.iter().map(|_| vec![String::new()]).collect();
        for (i, &c) in chars.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|b| chars.get(b)).copied();
            let switch = matches!(c, '-' | '/') && !is_word(before) && is_word(chars.get(i + 1).copied());
            dashes += usize::from(switch);
            if dashes > 3 {
                return Err("modifier `windash` takes three dashes at most in one value: split it".to_owned());
            }
            for texts in &mut texts {
                *texts = texts
                    .iter()
                    .flat_map(|t| {
                        let forms: &[char] = if switch { &DASHES } else { &chars[i..=i] };
                        forms.iter().map(move |d| format!("{t}{d}"))
                    })
                    .collect();
            }
        }
        variants = variants
            .into_iter()
            .zip(texts)
            .flat_map(|(v, texts)| {
                texts.into_iter().map(move |t| {
                    let mut v = v.clone();
                    v.push(Part::Text(t));
                    v
                })
            })
            .collect();
    }
    Ok(Value::Any(variants.into_iter().map(|parts| Value::Text { pattern: Pattern { parts }, cased }).collect()))
}
