//! jq, compiled once and run on plain JSON.

use super::poison::Rewrite;
use jaq_core::{
    Compiler, Ctx, Vars, data,
    load::{
        self, Arena, File, Loader, lex,
        parse::{Def, Parser},
    },
    native,
};
use jaq_json::{Map as JqMap, Num, Val};
use serde_json::{Map, Number, Value};
use std::sync::OnceLock;
use yagura_model::{UNKNOWN_KEY, unknown};

type Data = data::JustLut<Val>;

/// How a marker begins that stands for a mistake in a mapping and not for a blind spot.
pub const MAPPING_ERROR: &str = "mapping error";

/// How many values one block may give for one input.
const MAX_OUTPUTS: usize = 100_000;

/// A filter of a resource file. It is compiled when it is first run, so that a start pays only for what it uses.
pub struct Jq {
    text: String,
    /// Line of the content file where the text begins.
    line: usize,
    compiled: OnceLock<Result<jaq_core::Filter<Data>, (usize, String)>>,
}

impl Jq {
    pub fn new(text: impl Into<String>, line: usize) -> Jq {
        Jq { text: text.into(), line, compiled: OnceLock::new() }
    }

    /// Compiles now.
    ///
    /// # Errors
    /// The line of the content file and what is wrong there.
    pub fn check(&self) -> Result<(), (usize, String)> {
        self.filter().map(|_| ()).map_err(Clone::clone)
    }

    /// All values that the filter gives for `input`.
    ///
    /// # Errors
    /// The value it failed with: a marker when something not known was used, else text.
    pub fn run(&self, input: &Value) -> Result<Vec<Value>, Value> {
        let filter = self.filter().map_err(|(_, e)| Value::String(e.clone()))?;
        let ctx = Ctx::<Data>::new(&filter.lut, Vars::new([]));
        let mut values = Vec::new();
        for result in filter.id.run((ctx, to_val(input))) {
            match result.map_err(jaq_core::Exn::get_err) {
                Ok(value) => values.push(to_json(&value)),
                Err(Ok(e)) => return Err(to_json(&e.into_val())),
                Err(Err(_)) => return Err(Value::String("`halt` and `break` have no place here".to_owned())),
            }
            if values.len() > MAX_OUTPUTS {
                return Err(Value::String(format!("more than {MAX_OUTPUTS} values")));
            }
        }
        Ok(values)
    }

    /// The first value, null when there is none.
    ///
    /// # Errors
    /// As [`Jq::run`].
    pub fn first(&self, input: &Value) -> Result<Value, Value> {
        self.run(input).map(|values| values.into_iter().next().unwrap_or(Value::Null))
    }

    fn filter(&self) -> Result<&jaq_core::Filter<Data>, &(usize, String)> {
        self.compiled.get_or_init(|| compile(&self.text, self.line)).as_ref()
    }
}

/// A failure's value as the marker that stands where the value would have been.
pub fn as_marker(error: &Value) -> Value {
    if yagura_model::is_unknown(error) {
        return error.clone();
    }
    let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
    unknown(format!("{MAPPING_ERROR}: {}", text.chars().take(200).collect::<String>()))
}

fn compile(text: &str, line: usize) -> Result<jaq_core::Filter<Data>, (usize, String)> {
    let at = |part: &str, message: String| {
        let offset = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        let before = text.get(..offset).unwrap_or("");
        (line + before.matches('\n').count(), message)
    };
    let tokens = lex::Lexer::new(text).lex().map_err(|errors| {
        let (expected, found) = errors.into_iter().next().unwrap_or((lex::Expect::Token, text));
        at(found, format!("the jq has no {} here", expected.as_str()))
    })?;
    let term = Parser::new(&tokens).parse(|p| p.term()).map_err(|errors| match errors.into_iter().next() {
        Some((expected, found)) => {
            let found = found.map_or(&text[text.len()..], |t| t.0);
            let shown: String = found.chars().take(20).collect();
            at(found, format!("the jq needs {} before `{shown}`", expected.as_str()))
        }
        None => (line, "the jq can't be read".to_owned()),
    })?;
    let mut rewrite = Rewrite::new(prelude().iter().map(|d| d.name));
    let main = Def { name: "yagura_block", args: Vec::new(), body: rewrite.term(term) };
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let defs = defs.chain(prelude().iter().cloned()).map(shorter).chain([main]);
    let arena = Arena::default();
    let program = File { code: "yagura_block", path: () };
    let modules = Loader::new(defs).load(&arena, program).map_err(|_| (line, "the jq can't be loaded".to_owned()))?;
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    // A mapping sees its input and nothing else; `fromjson` is ours.
    let funs = funs.filter(|f| !["env", "now", "fromjson"].contains(&f.0));
    Compiler::default().with_funs(funs.chain(own_functions())).compile(modules).map_err(|errors| {
        let first = errors.into_iter().flat_map(|(_, e)| e).next();
        match first {
            Some((name, kind)) => at(name, format!("the jq uses an unknown {} `{name}`", kind.as_str())),
            None => (line, "the jq can't be compiled".to_owned()),
        }
    })
}

/// The same definition among names that live less long.
fn shorter<'s>(def: Def<&'static str>) -> Def<&'s str> {
    def
}

fn prelude() -> &'static [Def<&'static str>] {
    static PRELUDE: OnceLock<Vec<Def<&'static str>>> = OnceLock::new();
    PRELUDE.get_or_init(|| load::parse(include_str!("prelude.jq"), |p| p.defs()).unwrap_or_default())
}

fn own_functions() -> impl Iterator<Item = native::Fun<Data>> {
    let functions: [native::Filter<jaq_core::RunPtr<Data>>; 4] = [
        ("yagura_marker", native::v(0), |cv| native::bome(Ok(Val::from(is_marker(&cv.1))))),
        ("yagura_caught", native::v(0), |cv| native::bome(Ok(to_val(&as_marker(&to_json(&cv.1)))))),
        ("yagura_kept", native::v(0), |cv| {
            if is_marker(&cv.1) { native::bome(Ok(cv.1)) } else { Box::new(std::iter::empty()) }
        }),
        // jq's own parser has no depth limit; text inside a resource is hostile.
        ("fromjson", native::v(0), |cv| {
            native::bome(match &cv.1 {
                Val::TStr(text) => serde_json::from_slice::<Value>(text)
                    .map(|v| to_val(&v))
                    .map_err(|e| jaq_json::Error::str(format!("not JSON: {e}"))),
                other => Err(jaq_json::Error::typ(other.clone(), "string")),
            })
        }),
    ];
    functions.into_iter().map(native::run::<Data>)
}

fn is_marker(value: &Val) -> bool {
    match value {
        Val::Obj(map) => {
            map.len() == 1 && map.keys().all(|k| matches!(k, Val::TStr(s) if s[..] == *UNKNOWN_KEY.as_bytes()))
        }
        _ => false,
    }
}

fn to_val(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(*b),
        Value::Number(n) => match (n.as_i64().and_then(|i| isize::try_from(i).ok()), n.as_u64(), n.as_f64()) {
            (Some(i), _, _) => Val::from(i),
            (None, Some(u), _) => Val::Num(Num::from_integral(u)),
            (None, None, f) => Val::from(f.unwrap_or(f64::NAN)),
        },
        Value::String(s) => Val::utf8_str(s.clone()),
        Value::Array(items) => items.iter().map(to_val).collect(),
        Value::Object(map) => {
            Val::obj(map.iter().map(|(k, v)| (Val::utf8_str(k.clone()), to_val(v))).collect::<JqMap>())
        }
    }
}

fn to_json(value: &Val) -> Value {
    match value {
        Val::Null => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::Num(n) => number(n),
        Val::BStr(s) | Val::TStr(s) => Value::String(String::from_utf8_lossy(s).into_owned()),
        Val::Arr(items) => Value::Array(items.iter().map(to_json).collect()),
        Val::Obj(map) => {
            let mut object = Map::new();
            for (key, value) in map.iter() {
                let key = match key {
                    Val::TStr(s) | Val::BStr(s) => String::from_utf8_lossy(s).into_owned(),
                    other => other.to_string(),
                };
                object.insert(key, to_json(value));
            }
            Value::Object(object)
        }
    }
}

fn number(n: &Num) -> Value {
    match n {
        Num::Int(i) => Value::from(*i as i64),
        Num::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Value::from(*f as i64),
        Num::Float(f) => Number::from_f64(*f).map_or(Value::Null, Value::Number),
        Num::BigInt(_) | Num::Dec(_) => {
            let text = n.to_string();
            let parsed = text.parse::<u64>().ok().map(Value::from);
            parsed.unwrap_or_else(|| {
                text.parse::<f64>().ok().and_then(Number::from_f64).map_or(Value::String(text), Value::Number)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(text: &str, input: &Value) -> Result<Value, Value> {
        let jq = Jq::new(text, 1);
        jq.check().unwrap_or_else(|(line, e)| panic!("{text}: {line}: {e}"));
        jq.first(input)
    }

    fn denied() -> Value {
        json!({"calls": {"status": unknown("s3:GetBucketPolicyStatus"), "ok": {"A": false}}, "list": [1, unknown("x")]})
    }

    #[test]
    fn using_what_is_not_known_gives_the_marker_at_that_entry_only() {
        let marker = unknown("s3:GetBucketPolicyStatus");
        for used in [
            ".calls.status.IsPublic",
            ".calls.status.IsPublic // false",
            "(.calls.status.IsPublic | not) or true",
            ".calls.status == null",
            "if .calls.status then 1 else 2 end",
            ".calls.status?.IsPublic? // 1",
            "try .calls.status.X catch 1",
            ".calls.status | length",
            ".calls.status | tag_map",
            "[.calls.status[] | .A]",
            "\"x\\(.calls.status)\"",
            ".calls.status as $x | [1] | map(. + $x)",
        ] {
            let out = run(&format!("{{a: ({used}), b: .calls.ok.A}}"), &denied()).expect(used);
            assert_eq!(out, json!({"a": marker, "b": false}), "{used}");
        }
    }

    #[test]
    fn copying_a_marker_keeps_it_where_it_was() {
        let out = run("{s: .calls.status, l: [.list[] | .], n: {d: .calls.status.x}}", &denied()).expect("runs");
        let m = unknown("s3:GetBucketPolicyStatus");
        assert_eq!(out, json!({"s": m, "l": [1, unknown("x")], "n": {"d": m}}));
    }

    #[test]
    fn selection_by_a_marker_hides_the_whole_list() {
        let out = run("{l: [.list[] | select(. == 1)], first: (.list | first)}", &denied()).expect("runs");
        assert_eq!(out, json!({"l": unknown("x"), "first": 1}));
    }

    #[test]
    fn a_mistake_is_a_mapping_error_and_no_value() {
        let out = run("{a: (.calls.ok.A | fromjson)}", &denied()).expect("runs");
        let reason = yagura_model::unknown_reason(&out["a"]).expect("unknown");
        assert!(reason.starts_with(MAPPING_ERROR), "{reason}");
    }

    #[test]
    fn assignments_definitions_and_alternatives_work_as_in_jq() {
        let input = json!({"a": {"b": 1}, "l": [{"k": 2}, {"k": 1}]});
        for (text, expected) in [
            (".a.b |= . + 1 | .a", json!({"b": 2})),
            ("def f($x): $x + 1; {v: f(.a.b)}", json!({"v": 2})),
            (".x // 3", json!(3)),
            (".a.x.y // \"d\"", json!("d")),
            ("[.l | sort_by(.k)[] | .k]", json!([1, 2])),
            ("reduce .l[] as {k: $k} (0; . + $k)", json!(3)),
            ("[.l[] | {k}]", json!([{"k": 2}, {"k": 1}])),
            ("{(.a.b | tostring): 1}", json!({"1": 1})),
            (".l | any(.k == 2)", json!(true)),
            ("del(.l)", json!({"a": {"b": 1}})),
            (".a[\"b\"]", json!(1)),
            (".l[.a.b].k", json!(1)),
        ] {
            assert_eq!(run(text, &input).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn the_prelude_does_what_it_says() {
        for (text, input, expected) in [
            ("tag_map", json!([{"Key": "a", "Value": "b"}]), json!({"a": "b"})),
            ("tag_map", json!([{"TagKey": "a", "TagValue": ""}]), json!({"a": ""})),
            ("tag_map", Value::Null, json!({})),
            ("document", json!("%7B%22a%22%3A%5B1%5D%7D"), json!({"a": [1]})),
            ("document", json!("{\"a\":1}"), json!({"a": 1})),
            ("pascal", json!({"ipPermissions": [{"fromPort": 1}]}), json!({"IpPermissions": [{"FromPort": 1}]})),
            ("time", json!("2026-01-02T03:04:05+00:00"), json!("2026-01-02T03:04:05Z")),
            ("time", json!("N/A"), Value::Null),
            ("time", json!(1_700_000_000), json!("2023-11-14T22:13:20Z")),
            ("map(bool)", json!(["true", false, null]), json!([true, false, null])),
            ("prune", json!({"a": null, "b": false}), json!({"b": false})),
            ("block", json!([{"a": 1}]), json!({"a": 1})),
        ] {
            assert_eq!(run(text, &input).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, line) in [(".a |\n\n  nosuch", 12), (".a |\n }", 11), ("{a: 1", 10)] {
            let (found, message) = Jq::new(text, 10).check().expect_err(text);
            assert_eq!(found, line, "{message}");
        }
    }

    #[test]
    fn a_block_sees_nothing_but_its_input_and_stops_nothing() {
        assert!(Jq::new("env", 1).check().is_err());
        assert!(Jq::new("now", 1).check().is_err());
        assert!(run("halt", &Value::Null).is_err());
    }

    #[test]
    fn deep_text_is_refused_and_not_followed() {
        let deep = "[".repeat(200_000);
        let out = run("{a: (.t | fromjson)}", &json!({"t": deep})).expect("runs");
        assert!(yagura_model::is_unknown(&out["a"]));
    }
}
