//! Single features of Sigma, each with an event that fits and one that doesn't.

use crate::{compile, finds, found, rule, rules};
use serde_json::{Value, json};

/// One field `f: …` against values that must and must not match.
fn field(key: &str, value: &str, yes: &[Value], no: &[Value]) {
    let detection = format!("  s:\n    {key}: {value}\n  condition: s");
    for v in yes {
        assert!(finds(&detection, &json!({"eventName": "E", "f": v})), "{key}: {value} should match {v}");
    }
    for v in no {
        assert!(!finds(&detection, &json!({"eventName": "E", "f": v})), "{key}: {value} should not match {v}");
    }
}

#[test]
fn values() {
    field("f", "AbC", &[json!("abc"), json!("ABC"), json!(["x", "aBc"])], &[json!("abcd"), json!(null), json!({})]);
    field("f", "'*'", &[json!(""), json!("x"), json!(1)], &[json!(null)]);
    field("f", r"'a\*b'", &[json!("a*b")], &[json!("axb")]);
    field("f", "''", &[json!("")], &[json!("x"), json!(null)]);
    field("f", "null", &[json!(null)], &[json!(""), json!(0), json!([])]);
    field("f", "[]", &[json!(null)], &[json!("x")]);
    field("f", "22", &[json!(22), json!("22"), json!(22.0)], &[json!(220), json!("022"), json!("22.0")]);
    field("f", "'22'", &[json!(22), json!("22")], &[json!(2)]);
    field("f", "true", &[json!(true), json!("true"), json!("True")], &[json!(false), json!(1), json!("1")]);
    field("f", "'true'", &[json!(true), json!("true")], &[json!(false)]);
    field("f", "[a, null, 3]", &[json!("A"), json!(null), json!(3)], &[json!("b")]);
    assert!(finds("  s:\n    missing: null\n  condition: s", &json!({"eventName": "E"})));
    field("f", "'*日本*'", &[json!("x日本y")], &[json!("日")]);
}

#[test]
fn string_modifiers() {
    field("f|contains", "Bc", &[json!("abcd"), json!({"deep": "xbcx"})], &[json!("b c")]);
    field("f|startswith", "ab", &[json!("ABx")], &[json!("xab")]);
    field("f|endswith", "ab", &[json!("xaB")], &[json!("abx")]);
    field("f|contains|all", "[a, b]", &[json!("xbax"), json!(["a", "b"])], &[json!("aa")]);
    field("f|contains|cased", "Bc", &[json!("aBc")], &[json!("abc")]);
    field("f|cased", "Bc", &[json!("Bc")], &[json!("bc")]);
    field("f|neq", "x", &[json!("y"), json!(null)], &[json!("X")]);
    field("f|contains|neq", "[x, y]", &[json!("abc")], &[json!("axb"), json!("ayb")]);
    field("f|exists", "true", &[json!("x"), json!(null), json!([])], &[]);
    field("f|exists", "false", &[], &[json!(null)]);
    assert!(finds("  s:\n    g|exists: false\n  condition: s", &json!({"eventName": "E"})));
    field("f|expand", "'100%'", &[json!("100%")], &[json!("100")]);
}

#[test]
fn encodings() {
    // Expected texts are pySigma 2.0.1's.
    field("f|base64", "foo", &[json!("Zm9v")], &[json!("foo")]);
    field("f|base64offset|contains", "foobar", &["xZm9vYmFyx", "xZvb2Jhcx", "mb29iYX"].map(Value::from), &[json!("x")]);
    field("f|base64offset|contains", "héé", &["xaMOpw6x", "jDqcOp", "ow6nDq"].map(Value::from), &[json!("aMOp")]);
    field("f|wide|base64offset|contains", "ping", &["cABpAG4AZw", "AAaQBuAGcA", "wAGkAbgBnA"].map(Value::from), &[]);
    field("f|utf16le|base64", "foo", &[json!("ZgBvAG8A")], &[]);
    field("f|utf16be|base64", "foo", &[json!("AGYAbwBv")], &[]);
    field("f|utf16|base64", "foo", &[json!("//5mAG8AbwA=")], &[]);
    let dashes = ["x -n y", "x /n y", "x \u{2013}n y", "x \u{2014}n y", "x \u{2015}n y"].map(Value::from);
    field("f|windash|contains", "' -n '", &dashes, &[json!("x +n y")]);
    field("f|windash", "'-a x-y'", &[json!("/a x-y")], &[json!("-a x/y")]);
}

#[test]
fn regular_expressions() {
    field("f|re", "'^a.c$'", &[json!("abc")], &[json!("ABC"), json!("xabcx")]);
    field("f|re", "b", &[json!("abc")], &[json!("ac")]);
    field("f|re|i", "'^ABC'", &[json!("abcd")], &[json!("xabc")]);
    field("f|re|m", "'^b$'", &[json!("a\nb\nc")], &[json!("ab")]);
    field("f|re|s", "'a.b'", &[json!("a\nb")], &[json!("ab")]);
    field("f|re", "'a.b'", &[json!("axb")], &[json!("a\nb")]);
    field("f|re|i|s", "'A.B'", &[json!("a\nb")], &[json!("ab")]);
    field("f|re|startswith", "'a|b'", &[json!("bx")], &[json!("xb")]);
    field("f|re", r"'\d+\\x'", &[json!(r"12\x")], &[json!("12x")]);
}

#[test]
fn numbers_times_and_addresses() {
    field("f|gt", "5", &[json!(6), json!("5.5")], &[json!(5), json!("x"), json!(null)]);
    field("f|gte", "5", &[json!(5)], &[json!(4.9)]);
    field("f|lt", "5", &[json!(-1)], &[json!(5)]);
    field("f|lte", "5", &[json!(5)], &[json!(6)]);
    let time = json!("2024-02-29T23:05:00Z");
    for (part, is, is_not) in
        [("minute", 5, 6), ("hour", 23, 0), ("day", 29, 1), ("week", 9, 8), ("month", 2, 3), ("year", 2024, 2023)]
    {
        field(&format!("f|{part}"), &is.to_string(), std::slice::from_ref(&time), &[json!("not a time")]);
        field(&format!("f|{part}"), &is_not.to_string(), &[], std::slice::from_ref(&time));
    }
    field("f|hour|gte", "20", std::slice::from_ref(&time), &[json!("2024-02-29T03:05:00Z")]);
    field("f|hour", "14", &[json!("2024-02-29T23:05:00+09:00")], &[]);
    field("f|cidr", "10.0.0.0/8", &[json!("10.1.2.3"), json!("::ffff:10.1.2.3")], &[json!("11.0.0.1"), json!("x")]);
    field("f|cidr", "'2001:db8::/32'", &[json!("2001:db8:1::1")], &[json!("2001:db9::1"), json!("10.0.0.1")]);
    field("f|cidr", "[192.0.2.7, 0.0.0.0/0]", &[json!("192.0.2.7"), json!("8.8.8.8")], &[json!("::1")]);
}

#[test]
fn numbers_out_of_range_keep_their_text() {
    let raw = br#"{"eventName":"E","f":1e999,"g":123456789012345678901234567890}"#;
    for (detection, expected) in [
        ("f: '1e999'", true),
        ("g: '123456789012345678901234567890'", true),
        ("g: 123456789012345678901234567890", true),
        ("f|gt: 5", true),
        ("f: 1", false),
    ] {
        let set = rules(&[&rule(&format!("  s:\n    {detection}\n  condition: s"))]);
        let mut layout = yagura_logs::Layout::default();
        let mut hunt = yagura_detect::Hunt::new(&set, yagura_detect::Filter::default());
        hunt.judge(&yagura_logs::Record::scan(raw, &mut layout).expect("json"), 0);
        assert_eq!(!hunt.finish().detections.is_empty(), expected, "{detection}");
    }
}

#[test]
fn field_references() {
    let event = json!({"eventName": "E", "a": "Bob", "b": {"c": "bob"}, "d": "bobby", "list": ["x", "BOB"]});
    for (key, other, expected) in [
        ("a|fieldref", "b.c", true),
        ("a|fieldref", "d", false),
        ("d|fieldref|startswith", "a", true),
        ("d|fieldref|endswith", "a", false),
        ("d|fieldref|contains", "b.c", true),
        ("a|fieldref", "list", true),
        ("a|fieldref|neq", "d", true),
        ("a|fieldref", "missing", false),
    ] {
        assert_eq!(finds(&format!("  s:\n    {key}: {other}\n  condition: s"), &event), expected, "{key}: {other}");
    }
}

#[test]
fn fields_by_path() {
    let event = json!({"eventName": "E", "requestParameters": {
        "items": [{"port": 1}, {"port": 22, "cidrs": [{"ip": "0.0.0.0/0"}]}], "x-amz-acl": "public-read", "a.b": {"c": 1},
        "empty": []}});
    for (field, value, expected) in [
        ("requestParameters.items.port", "22", true),
        ("requestParameters.items.cidrs.ip", "'0.0.0.0/0'", true),
        ("requestParameters.x-amz-acl", "public-read", true),
        ("requestParameters.a.b.c", "1", true),
        ("requestParameters.items.nope", "null", true),
        ("requestParameters.items.port", "null", false),
        ("requestparameters.items.port", "22", false),
    ] {
        assert_eq!(finds(&format!("  s:\n    {field}: {value}\n  condition: s"), &event), expected, "{field}");
    }
}

#[test]
fn keywords_search_the_whole_record() {
    let event = json!({"eventName": "E", "requestParameters": {"policy": "{\"Effect\": \"Allow\"}", "n": 4242}});
    for (detection, expected) in [
        ("  k:\n    - nothing\n    - '\"EFFECT\": \"allow\"'\n  condition: k", true),
        ("  k: requestparameters\n  condition: k", true),
        ("  k: 4242\n  condition: k", true),
        ("  k:\n    '|all':\n      - Effect\n      - nothing\n  condition: k", false),
        ("  k:\n    '|all':\n      - Effect\n      - 'all?w'\n  condition: k", true),
        ("  k:\n    '|re': 'E[f]+ect'\n  condition: k", true),
    ] {
        assert_eq!(finds(detection, &event), expected, "{detection}");
    }
}

#[test]
fn maps_lists_and_conditions() {
    let event = json!({"eventName": "E", "a": "1", "b": "2"});
    for (detection, expected) in [
        ("  s: {a: 1, b: 3}\n  condition: s", false),
        ("  s: [{a: 9}, {a: 1, b: 2}]\n  condition: s", true),
        ("  s1: {a: 1}\n  s2: {b: 3}\n  condition: 1 of s*", true),
        ("  s1: {a: 1}\n  s2: {b: 3}\n  condition: all of s*", false),
        ("  s1: {a: 1}\n  _s2: {b: 3}\n  condition: all of them", true),
        ("  s1: {a: 1}\n  f: {b: 2}\n  condition: s1 and not f", false),
        ("  s1: {a: 9}\n  s2: {b: 2}\n  condition: [s1, s2]", true),
        ("  s1: {a: 1}\n  s2: {a: 9}\n  s3: {b: 9}\n  condition: s1 or s2 and s3", true),
    ] {
        assert_eq!(finds(detection, &event), expected, "{detection}");
    }
}

#[test]
fn the_last_of_two_keys_holds() {
    let set = rules(&[&rule("  s: {eventName: B, p.x: 2}\n  condition: s")]);
    for (raw, expected) in [
        (r#"{"eventName":"A","eventName":"B","p":{"x":1,"x":2}}"#, true),
        (r#"{"eventName":"A","event\u004eame":"B","p":{"x":1},"p":{"x":2}}"#, true),
        (r#"{"eventName":"B","eventName":"A","p":{"x":2}}"#, false),
    ] {
        let mut layout = yagura_logs::Layout::default();
        let mut hunt = yagura_detect::Hunt::new(&set, yagura_detect::Filter::default());
        hunt.judge(&yagura_logs::Record::scan(raw.as_bytes(), &mut layout).expect("json"), 0);
        assert_eq!(!hunt.finish().detections.is_empty(), expected, "{raw}");
    }
}

#[test]
fn what_cannot_be_loaded_is_named_with_its_line() {
    for (text, line, part) in [
        (rule("  s: {a|nope: 1}\n  condition: s"), 5, "unknown modifier `nope`"),
        (rule("  s:\n    a: 1\n    b|expand: '%servers%'\n  condition: s"), 7, "placeholder `%servers%`"),
        (rule("  s:\n    a|re: '(?=x)'\n  condition: s"), 6, "look-around"),
        (rule("  s: {a: 1}\n  condition: s and t"), 6, "`t`, which is not defined"),
        (rule("  s: {a: 1}\n  condition: s | count() > 5"), 6, "correlation"),
        (rule("  s: {a|cidr: 10.0.0.0/99}\n  condition: s"), 5, "no network"),
        ("title: x\nlogsource: {product: aws}\n".to_owned(), 1, "no `detection`"),
        ("title: [x\n".to_owned(), 2, ""),
        (format!("{}level: severe\n", rule("  s: {a: 1}\n  condition: s")), 1, "`severe` is no level"),
    ] {
        let (set, loaded) = compile(&[&text]);
        assert!(set.is_empty());
        let error = loaded.errors.first().expect("an error");
        assert_eq!((error.file.as_str(), error.line), ("rules/r0.yml", line), "{error}");
        assert!(error.message.contains(part), "{error}");
    }
    let windows =
        "title: x\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {a: 1}, condition: s}\n";
    let (set, loaded) = compile(&[windows]);
    assert_eq!((set.len(), loaded.errors.len(), loaded.skipped.len()), (0, 0, 1));
}

#[test]
fn foreign_rules_bring_their_own_head() {
    let text = "title: A rule\nlogsource: {product: aws, service: cloudtrail}\nlevel: low\n\
                tags: [attack.t1562.008, attack.defense-evasion, attack.g0016, cve.2020.1]\n\
                detection: {s: {eventName: E}, condition: s}\n";
    let set = rules(&[text]);
    let d = found(&set, &[json!({"eventName": "e"})]).remove(0);
    assert_eq!((d.detection.as_str(), d.title.en.as_str(), d.severity.as_str()), ("r0", "A rule", "low"));
    assert_eq!((d.attack, d.guardduty.len()), (vec!["T1562.008".to_owned()], 0));
    let (_, loaded) = compile(&[&rule("  s: {a: 1}\n  condition: s"), &rule("  s: {a: 1}\n  condition: s")]);
    assert!(loaded.errors[0].message.contains("already used"), "{:?}", loaded.errors);
}

#[test]
fn filters_are_added_to_the_rules_they_name() {
    let filter = "title: f\nid: f\nlogsource: {product: aws, service: cloudtrail}\nfilter:\n  rules: [r]\n  \
                  admin: {u|startswith: adm_}\n  condition: not admin\n";
    let set = rules(&[&rule("  s: {eventName: E}\n  condition: s"), filter]);
    assert_eq!(set.len(), 1);
    assert!(found(&set, &[json!({"eventName": "E", "u": "adm_x"})]).is_empty());
    assert_eq!(found(&set, &[json!({"eventName": "E", "u": "x"})]).len(), 1);
}
