//! Terraform addresses and references taken apart: `module.a["x"].aws_s3_bucket.b[0].id`.

/// One step of a module path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub name: String,
    /// What stands between the brackets, as written.
    pub index: Option<String>,
}

/// The modules on the way to a resource, outermost first.
pub(super) fn module_path(address: &str) -> Vec<Step> {
    let parts = split(address);
    let mut steps = Vec::new();
    let mut at = 0;
    while let [module, name, ..] = &parts[at..]
        && *module == "module"
    {
        let (name, index) = indexed(name);
        steps.push(Step { name: name.to_owned(), index: index.map(str::to_owned) });
        at += 2;
    }
    steps
}

/// What a reference is to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'r> {
    Variable(&'r str),
    /// An output of a module that is called here.
    Output {
        module: &'r str,
        index: Option<&'r str>,
        output: &'r str,
    },
    Resource {
        kind: &'r str,
        name: &'r str,
        index: Option<&'r str>,
    },
    /// A data source: the name stands without its index.
    Data {
        kind: &'r str,
        name: &'r str,
        attribute: Option<&'r str>,
    },
    /// The element of the resource's own `for_each`; its key alone names nothing.
    Each,
    /// A local value: the plan doesn't say what it is made from.
    Local,
    Other,
}

/// Reads a reference of the configuration's `references`.
pub(super) fn target(reference: &str) -> Target<'_> {
    let parts = split(reference);
    match parts.as_slice() {
        ["var", name, ..] => Target::Variable(indexed(name).0),
        ["local", ..] => Target::Local,
        ["each", value, ..] if indexed(value).0 == "value" => Target::Each,
        ["module", module, output, ..] => {
            let (module, index) = indexed(module);
            Target::Output { module, index, output: indexed(output).0 }
        }
        ["data", kind, name, rest @ ..] => {
            Target::Data { kind, name: indexed(name).0, attribute: rest.first().map(|a| indexed(a).0) }
        }
        ["module" | "count" | "each" | "path" | "terraform" | "self" | "data", ..] => Target::Other,
        [kind, name, ..] => {
            let (name, index) = indexed(name);
            Target::Resource { kind, name, index }
        }
        _ => Target::Other,
    }
}

/// Splits at dots that stand outside brackets and quotes.
fn split(address: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut depth, mut escaped) = (Vec::new(), 0, false, 0u32, false);
    for (i, byte) in address.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' if !quoted => depth += 1,
            b']' if !quoted => depth = depth.saturating_sub(1),
            b'.' if !quoted && depth == 0 => {
                parts.push(&address[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&address[start..]);
    parts
}

fn indexed(part: &str) -> (&str, Option<&str>) {
    match part.split_once('[') {
        Some((name, index)) => (name, Some(index.strip_suffix(']').unwrap_or(index))),
        None => (part, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_apart() {
        let steps = module_path(r#"module.m["a.b"].module.inner.aws_s3_bucket.b["x"]"#);
        assert_eq!(
            steps.iter().map(|s| (s.name.as_str(), s.index.as_deref())).collect::<Vec<_>>(),
            [("m", Some("\"a.b\"")), ("inner", None)]
        );
        assert_eq!(module_path("aws_s3_bucket.b"), []);
        assert_eq!(target("var.x"), Target::Variable("x"));
        assert_eq!(
            target(r#"aws_s3_bucket.b["k.l"].id"#),
            Target::Resource { kind: "aws_s3_bucket", name: "b", index: Some("\"k.l\"") }
        );
        assert_eq!(target("module.m[0].out"), Target::Output { module: "m", index: Some("0"), output: "out" });
        assert_eq!(target("each.value"), Target::Each);
        assert_eq!(target("module.m"), Target::Other);
        assert_eq!(target("weird["), Target::Other);
    }
}
