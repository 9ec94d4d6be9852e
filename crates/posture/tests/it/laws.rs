//! Laws that hold for any rule and any resource, and an independent judge: the `cel` crate's own interpreter.

use super::{BUCKET, control, judge, library, resource};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yagura_content::Library;
use yagura_model::{Inventory, Verdict, unknown};
use yagura_posture::Rulebook;

const THING: &str = "Test::Any::Thing";

/// A type of which nothing is known, so that any path may be read.
fn open_type() -> (&'static str, String) {
    ("resources/test/thing.md", format!("+++\ntype = \"{THING}\"\n+++\n## en: a\n## ja: b\n"))
}

fn compiled(cel: &str) -> Rulebook {
    let file = control("X.1", THING, &format!("```cel\n{cel}\n```\n"));
    let library: Library = library(&[("controls/x/X.md", file), open_type()]);
    let (book, errors) = Rulebook::compile(&library);
    assert_eq!(errors, [], "{cel}");
    book
}

fn verdict(book: &Rulebook, kind: &str, properties: Value, observed: Value) -> Vec<Verdict> {
    let mut thing = resource(kind, "x", properties);
    thing.observed = observed;
    judge(book, &Inventory { resources: vec![thing], gaps: vec![] }).into_iter().map(|line| line.verdict).collect()
}

/// Every way to a value inside `value`, itself left out.
fn places(value: &Value, way: &mut Vec<String>, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        value if yagura_model::is_unknown(value) => Vec::new(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in below {
        way.push(step);
        found.push(format!("/{}", way.join("/")));
        places(value, way, found);
        way.pop();
    }
}

/// `value` with some of its inner values replaced by unknown ones, as `picks` says.
fn blurred(value: &Value, picks: &[prop::sample::Index]) -> Value {
    let mut blurred = value.clone();
    for pick in picks {
        let mut found = Vec::new();
        places(&blurred, &mut Vec::new(), &mut found);
        if !found.is_empty()
            && let Some(place) = blurred.pointer_mut(&found[pick.index(found.len())])
        {
            *place = unknown("blurred");
        }
    }
    blurred
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..4).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let principal = prop_oneof![
        Just(json!("*")),
        Just(json!({"AWS": ["*", "arn:aws:iam::111122223333:root"]})),
        Just(json!({"Service": "s3.amazonaws.com"})),
        Just(Value::Null),
    ];
    let action = prop_oneof![Just(json!("s3:GetObject")), Just(json!(["s3:Put*", "s3:Delete*"])), Just(json!("*"))];
    let condition = prop_oneof![
        Just(Value::Null),
        Just(json!({"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}})),
        Just(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})),
        Just(json!({"Bool": {"aws:SecureTransport": "true"}})),
    ];
    (prop_oneof![Just("Allow"), Just("Deny")], principal, action, condition).prop_map(|(effect, principal, action, condition)| {
        json!({"Effect": effect, "Principal": principal, "Action": action, "Resource": "*", "Condition": condition})
    })
}

fn policy() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        4 => prop::collection::vec(statement(), 0..3).prop_map(|s| json!({"Version": "2012-10-17", "Statement": s})),
    ]
}

fn ingress() -> impl Strategy<Value = Value> {
    let rule = (prop_oneof![Just("tcp"), Just("-1"), Just("udp")], 20i64..24, 21i64..26, any::<bool>()).prop_map(
        |(protocol, from, to, open)| {
            let cidr = if open { "0.0.0.0/0" } else { "10.0.0.0/8" };
            json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, "CidrIp": cidr})
        },
    );
    prop::collection::vec(rule, 0..3).prop_map(Value::from)
}

fn properties() -> impl Strategy<Value = Value> {
    let item = (scalar(), scalar()).prop_map(|(k, v)| json!({"k": k, "v": v}));
    (scalar(), (scalar(), scalar()), prop::collection::vec(scalar(), 0..4), prop::collection::vec(item, 0..4), policy(), ingress())
        .prop_map(|(a, (c, d), list, items, policy, ingress)| {
            json!({"a": a, "b": {"c": c, "d": d}, "list": list, "items": items, "policy": policy, "ingress": ingress})
        })
}

/// Conditions over what [`properties`] makes.
fn condition() -> impl Strategy<Value = String> {
    let atoms = [
        "resource.a == true",
        "resource.a != \"a\"",
        "resource.b.c == resource.b.d",
        "resource.b.c > 1",
        "resource.a + 1 < 3",
        "has(resource.b.c)",
        "resource.b == {\"c\": 1}",
        "resource.list == [1, \"a\"]",
        "resource.list == resource.list",
        "size(resource.list) > 1",
        "size(resource.b) == 2",
        "\"c\" in resource.b",
        "resource.a in resource.list",
        "\"a\" in resource.list",
        "resource.list[1] == null",
        "resource.b[\"c\"] == 2",
        "resource.list.all(x, x != \"a\")",
        "resource.list.exists(x, x == 1)",
        "resource.list.exists(x, true)",
        "resource.list.all(x, false)",
        "resource.list.exists_one(x, x == 1)",
        "resource.b.exists(name, name == \"d\")",
        "resource.items.exists(i, i.k == \"a\" && i.v != null)",
        "resource.items.filter(i, i.k == resource.a).all(i, i.v == 1)",
        "size(resource.items.filter(i, i.k == true)) == 1",
        "resource.items.map(i, i.v).exists(v, v == 2)",
        "1 in resource.items.map(i, i.k != null, i.v)",
        "(resource.a == true ? resource.b.c == 1 : resource.b.d == 1)",
        "string(resource.a) == \"1\"",
        "resource.b.c.startsWith(\"a\")",
        "lower(resource.b.c) == \"ab\"",
        "resource.b.c.matches(\"^a+$\")",
        "policy_public(resource.policy)",
        "statements(resource.policy).exists(s, s.Effect == \"Allow\" && \"*\" in s.Principal)",
        "statements(resource.policy).all(s, s.Action.exists(a, glob(a, \"s3:getobject\")))",
        "world_open(resource.ingress, 22)",
        "world_open_v6(resource.ingress, 22)",
        "derived.policy_public",
    ];
    prop::sample::select(atoms.to_vec()).prop_map(str::to_owned).prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

fn bucket_properties() -> impl Strategy<Value = (Value, Value)> {
    let flag = || prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from)];
    let acl = prop_oneof![
        Just(Value::Null),
        Just(
            json!({"Grants": [{"Permission": "READ", "Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}}]})
        ),
        Just(json!({"Grants": [{"Permission": "FULL_CONTROL", "Grantee": {"ID": "x"}}]})),
    ];
    let canned = prop_oneof![Just(Value::Null), Just(json!("PublicRead")), Just(json!("PublicReadWrite"))];
    let owner = prop_oneof![Just(Value::Null), Just(json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}))];
    let status = prop_oneof![Just(Value::Null), flag().prop_map(|f| json!({"IsPublic": f}))];
    (flag(), flag(), policy(), canned, owner, acl, status).prop_map(
        |(ignore, restrict, policy, canned, owner, acl, status)| {
            let block = json!({"IgnorePublicAcls": ignore, "RestrictPublicBuckets": restrict});
            (
                json!({"PublicAccessBlockConfiguration": block, "PolicyDocument": policy, "AccessControl": canned,
                "OwnershipControls": owner}),
                json!({"Acl": acl, "PolicyStatus": status}),
            )
        },
    )
}

fn only_blurs(sharp: &[Verdict], blurred: &[Verdict]) -> Result<(), TestCaseError> {
    prop_assert!(blurred == sharp || blurred == [Verdict::Unknown], "{sharp:?} became {blurred:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A value that isn't known never turns PASS into FAIL or FAIL into PASS, nor UNKNOWN into either.
    #[test]
    fn knowing_less_never_flips_a_verdict(
        cel in condition(),
        properties in properties(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let book = compiled(&cel);
        let less = blurred(&properties, &picks);
        let sharp = verdict(&book, THING, properties, Value::Null);
        only_blurs(&sharp, &verdict(&book, THING, less, Value::Null))?;
    }

    #[test]
    fn knowing_less_of_a_bucket_never_flips_its_publicness(
        (properties, observed) in bucket_properties(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        write in any::<bool>(),
    ) {
        let fact = if write { "public_write" } else { "public_read" };
        let file = control("X.1", BUCKET, &format!("```cel\nderived.{fact} == false\n```\n"));
        let (book, _) = Rulebook::compile(&library(&[("controls/x/X.md", file)]));
        let both = json!({"p": properties, "o": observed});
        let less = blurred(&both, &picks);
        let part = |value: &Value, name: &str| {
            // An unknown whole is unknown in its parts.
            value.get(name).cloned().unwrap_or(Value::Null)
        };
        let sharp = verdict(&book, BUCKET, part(&both, "p"), part(&both, "o"));
        only_blurs(&sharp, &verdict(&book, BUCKET, part(&less, "p"), part(&less, "o")))?;
    }

    /// An indexed join finds what a plain loop finds.
    #[test]
    fn a_join_equals_the_loop(
        keys in prop::collection::vec(scalar(), 0..6),
        wanted in scalar(),
        blur in any::<prop::sample::Index>(),
    ) {
        let joined = compiled(&format!("related(\"{THING}\").exists(v, v.resource.k == resource.w && v.id != \"x\")"));
        let looped = compiled(&format!("related(\"{THING}\").exists(v, !(v.resource.k != resource.w) && v.id != \"x\")"));
        let mut resources = vec![resource(THING, "x", json!({"w": wanted}))];
        for (i, key) in keys.iter().enumerate() {
            let key = if i == blur.index(8) { unknown("blurred") } else { key.clone() };
            resources.push(resource(THING, &format!("r{i}"), json!({"k": key})));
        }
        let inventory = Inventory { resources, gaps: vec![] };
        let verdicts = |book: &Rulebook| judge(book, &inventory).iter().map(|l| l.verdict).collect::<Vec<_>>();
        prop_assert_eq!(verdicts(&joined), verdicts(&looped));
    }

    /// Where every value is set and of the right type, the interpreter of the `cel` crate says the same.
    #[test]
    fn agrees_with_the_cel_interpreter(
        cel in plain_condition(),
        a in -2i64..4,
        s in "[ab]{0,3}",
        list in prop::collection::vec(-2i64..4, 0..4),
        items in prop::collection::vec(("[ab]{0,2}", -2i64..4), 0..4),
    ) {
        let items: Vec<Value> = items.iter().map(|(k, v)| json!({"k": k, "v": v})).collect();
        let properties = json!({"a": a, "s": s, "list": list, "items": items, "b": {"c": a, "t": true}});
        let program = cel::Program::compile(&cel).expect("compiles");
        let mut context = cel::Context::default();
        context.add_variable_from_value("resource", interpreted(&properties));
        let expected = match program.execute(&context) {
            Ok(cel::Value::Bool(true)) => Verdict::Pass,
            Ok(cel::Value::Bool(false)) => Verdict::Fail,
            other => return Err(TestCaseError::fail(format!("{cel}: {other:?}"))),
        };
        prop_assert_eq!(verdict(&compiled(&cel), THING, properties, Value::Object(Map::new())), [expected]);
    }
}

/// A value of the interpreter. Its own conversion makes some numbers unsigned, which it then won't add to others.
fn interpreted(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(b) => cel::Value::Bool(*b),
        Value::Number(n) => cel::Value::Int(n.as_i64().expect("an integer")),
        Value::String(s) => cel::Value::from(s.as_str()),
        Value::Array(items) => cel::Value::from(items.iter().map(interpreted).collect::<Vec<_>>()),
        Value::Object(map) => {
            let fields = map.iter().map(|(k, v)| (k.clone(), interpreted(v)));
            cel::Value::from(fields.collect::<std::collections::HashMap<_, _>>())
        }
    }
}

/// Conditions that are free of errors on integers, strings and lists that are set.
fn plain_condition() -> impl Strategy<Value = String> {
    let atoms = [
        "resource.a == 1",
        "resource.a != resource.b.c + 1",
        "resource.a > 0",
        "resource.a * 2 - 1 <= 3",
        "resource.a >= -1",
        "resource.b.t",
        "resource.s == \"ab\"",
        "resource.s < \"b\"",
        "resource.s.startsWith(\"a\")",
        "resource.s.endsWith(\"b\")",
        "resource.s.contains(\"ba\")",
        "resource.s + \"a\" == \"aba\"",
        "size(resource.s) == 2",
        "size(resource.list) > 1",
        "resource.a in resource.list",
        "resource.a in [1, 2]",
        "resource.list == [1]",
        "resource.list.all(x, x > 0)",
        "resource.list.exists(x, x == resource.a)",
        "resource.list.exists_one(x, x == 1)",
        "resource.list.filter(x, x > 0) == [1, 2]",
        "resource.list.map(x, x + 1) == [2]",
        "size(resource.list.map(x, x > 1, x)) == 1",
        "resource.items.exists(i, i.k == resource.s && i.v > 0)",
        "resource.items.all(i, resource.list.exists(x, x == i.v))",
        "(resource.a > 0 ? resource.s : \"b\") == \"b\"",
        "resource[\"a\"] == 2",
        "\"c\" in resource.b",
        "has(resource.b.c)",
        "has(resource.b.nothing)",
    ];
    prop::sample::select(atoms.to_vec()).prop_map(str::to_owned).prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}
