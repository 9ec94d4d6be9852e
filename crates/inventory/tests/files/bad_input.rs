//! Input that is broken, hostile or something else: a clear word, and never a panic.

use super::{find, fixture, no_problems, options, read, read_bytes};
use proptest::prelude::*;
use std::fs;
use yagura_inventory::files::{self, Input, Parameters};

fn problem(text: &str) -> String {
    let result = read(text);
    assert_eq!(result.problems.len(), 1, "{:?}", result.problems);
    result.problems[0].to_string()
}

#[test]
fn says_what_is_wrong_and_what_to_do() {
    for (text, want) in [
        ("", "is empty"),
        ("hello", "is no CloudFormation template"),
        ("AWSTemplateFormatVersion: '2010-09-09'\n", "without a `Resources` section"),
        ("Resources:\n  A: [\n", "is a broken template: line"),
        ("Resources:\n  A: {Type: x}\n B: oops\n", "is a broken template: line"),
        ("{\"Resources\": {\"A\": ", "is a broken template: line"),
        ("{\"version\":4,\"serial\":1,\"lineage\":\"x\",\"resources\":[]}", "terraform show -json"),
        ("{\"format_version\":\"1.2\",\"planned_values\":[]}", "no readable Terraform plan"),
        ("{\"configurationItems\":[", "is cut off after 0"),
    ] {
        let got = problem(text);
        assert!(got.starts_with("input: ") && got.contains(want), "{text}: {got}");
        assert!(got.matches(": ").count() >= 2, "what to do is missing: {got}");
    }
}

#[test]
fn survives_depth() {
    let depth = 1_000_000;
    for text in [
        format!("Resources: {}", "[".repeat(depth)),
        format!("{{\"Resources\": {}", "{\"a\":".repeat(depth)),
        format!("Resources:\n  A: {}x", "- ".repeat(depth)),
        format!("{{\"format_version\":\"1\",\"planned_values\":{}", "[".repeat(depth)),
        format!("{{\"type\":\"a\",\"id\":\"b\",\"properties\":{}", "[".repeat(depth)),
    ] {
        problem(&text);
    }
    let mut text = "{\"Fn::Base64\":".repeat(110);
    text.push_str(&format!("{{\"Fn::If\": [\"C0\", 1, 2]}}{}", "}".repeat(110)));
    let nots = format!("{}{{\"Condition\":\"C1\"}}{}", "{\"Fn::Not\":[".repeat(40), "]}".repeat(40));
    let result = read(&format!(
        "{{\"Resources\":{{\"A\":{{\"Type\":\"Custom::A\",\"Properties\":{{\"V\":{text}}}}}}},\"Conditions\":{{\"C0\":{nots},\"C1\":{nots}}}}}"
    ));
    find(&result, "A");
    let conditions: String = (0..5000).map(|i| format!("  C{i}: !Not [!Condition C{}]\n", i + 1)).collect();
    let result = read(&format!(
        "Conditions:\n{conditions}  C5000: !Equals [a, a]\nResources:\n  A: {{Type: Custom::A, Condition: C0}}\n"
    ));
    find(&result, "A");
    assert!(!result.problems.is_empty());
}

#[test]
fn survives_values_that_blow_up() {
    let mut text = String::from("Resources:\n  A:\n    Type: Custom::A\n    Properties:\n      V0: !Sub '");
    text.push_str(&"${P}".repeat(20_000));
    text.push_str("'\nParameters:\n  P: {Type: String, Default: ");
    text.push_str(&"x".repeat(20_000));
    text.push_str("}\n");
    let result = read(&text);
    assert!(result.problems[0].message.en.contains("4 MiB"), "{}", result.problems[0]);
}

#[test]
fn replaces_bytes_that_are_no_text_and_converts_utf_16() {
    let mut bytes = b"Resources:\n  A: {Type: Custom::A} # ".to_vec();
    bytes.extend([0x83, 0x65, 0x83]);
    let result = read_bytes(bytes);
    find(&result, "A");
    assert!(result.problems[0].message.en.contains("not valid UTF-8 at byte"), "{}", result.problems[0]);
    let utf_16: Vec<u8> =
        "\u{feff}Resources:\n  A: {Type: Custom::A}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let result = read_bytes(utf_16);
    no_problems(&result);
    find(&result, "A");
}

#[test]
fn walks_folders_in_silence_except_for_broken_templates() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("deep/er")).expect("made");
    fs::write(path("deep/er/plan.txt"), fs::read(fixture("plan.json")).expect("reads")).expect("written");
    fs::write(path("a.template"), "Resources:\n  A: {Type: Custom::A}\n").expect("written");
    fs::write(path("broken.yaml"), "Resources:\n  A: {Type: 'AWS::S3::Bucket'\n").expect("written");
    fs::write(path("README.md"), "# About\n\nResources: see [1] and\n* this: and that\n").expect("written");
    fs::write(path("answer.json"), "{\"Resources\": []}").expect("written");
    fs::write(path("terraform.tfstate"), "{\"version\":4,\"serial\":1,\"lineage\":\"x\",\"resources\":[]}")
        .expect("written");
    fs::write(path("blob"), [0u8; 100]).expect("written");
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("b.yaml"), "Resources:\n  Outside: {Type: Custom::A}\n").expect("written");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path(), path("link")).expect("linked");
    let result = files::read(&[Input::Path(folder.path().to_owned())], &options());
    assert_eq!(result.problems.len(), 1, "{:?}", result.problems);
    assert!(result.problems[0].file.ends_with("broken.yaml"));
    assert_eq!(result.files_read, 2);
    find(&result, "A");
    find(&result, "aws_s3_bucket.plain");
    assert!(result.inventory.resources.iter().all(|r| r.id != "Outside"));

    let result = files::read(&[Input::Path(path("none")), Input::Path(path("README.md"))], &options());
    assert_eq!(result.problems.iter().map(|p| p.missing).collect::<Vec<_>>(), [true, false]);
    assert_eq!(result.files_read, 0);
}

#[test]
fn reads_our_own_lists_around_a_bad_line() {
    let good = r#"{"type":"AWS::S3::Bucket","id":"b","arn":"arn:aws:s3:::b","account":"111122223333","region":"us-east-1","tags":{},"properties":{},"observed":{},"relations":[]}"#;
    let planned = good.replace("\"b\"", "\"c\"").replace("\"tags\"", "\"source\":\"terraform\",\"tags\"");
    let result = read(&format!("{good}\n{{\"type\":\n\n{planned}\n"));
    assert_eq!(find(&result, "c").origin.as_ref().and_then(|o| o.line), Some(4));
    assert_eq!(find(&result, "b").origin, None, "a live resource is in no file");
    assert!(result.problems[0].message.en.contains("line 2"), "{}", result.problems[0]);
}

/// Pieces that templates, plans and snapshots are made of.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Resources:",
            "Type: AWS::S3::Bucket",
            "{\"Resources\":",
            "\"configurationItems\":[",
            "!Sub '${A.B}'",
            "!If [",
            "Fn::ForEach::X:",
            "- ",
            "\n  ",
            "\n    ",
            "]",
            "}",
            "{",
            "[",
            ", ",
            "\"",
            "'",
            ": ",
            "Ref: ",
            "&a ",
            "*a",
            "<<: ",
            "{\"format_version\":\"1\",\"planned_values\":{\"root_module\":",
            "\"after_unknown\":true",
            "!GetAtt ",
            "!Select [0, ",
            "Conditions:\n  C: !Not [{Condition: C}]\n",
            "Properties: ",
            "${",
            "AWS::NoValue",
            "!Cidr [::/0, 256, 128]",
            "1e999",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_bytes(bytes);
    }

    #[test]
    fn never_panics_on_near_evidence(pieces in prop::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        read(&text);
        read(&format!("Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties:\n      V: {text}"));
        let _ = Parameters::parse("p", &text);
    }

    #[test]
    fn never_panics_on_a_damaged_plan(at in 0usize..60_000, byte in any::<u8>()) {
        let mut bytes = fs::read(fixture("plan.json")).expect("reads");
        let at = at % bytes.len();
        bytes[at] = byte;
        read_bytes(bytes);
    }
}
