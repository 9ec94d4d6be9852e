//! What the rest of Yagura relies on, through the public interface.

mod laws;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use yagura_content::Library;
use yagura_model::{Gap, Inventory, Judgement, Origin, Resource, Source, Verdict, unknown};
use yagura_posture::{ControlStatus, FIXTURE_NOW, Rulebook, Stage, VerdictRow};

const HEAD: &str =
    "severity = \"high\"\nstage = \"minimum\"\nlayer = \"data\"\nminutes = 5\ncost = \"free\"\nrisk = \"low\"\n";
const BUCKET: &str = "AWS::S3::Bucket";

/// A control file of the given parts.
fn control(id: &str, kind: &str, blocks: &str) -> String {
    format!("+++\nid = \"{id}\"\nresource = \"{kind}\"\n{HEAD}+++\n## en: Title\nWhy.\n## ja: 題\n理由。\n{blocks}")
}

fn library(files: &[(&str, String)]) -> Library {
    let mut library = Library::default();
    let errors = library.add(files.iter().map(|(path, text)| (*path, text.as_str())), false);
    assert_eq!(errors, []);
    library
}

fn rulebook(id: &str, kind: &str, blocks: &str) -> Rulebook {
    let (book, errors) = Rulebook::compile(&library(&[("controls/x/X.md", control(id, kind, blocks))]));
    assert_eq!(errors, []);
    book
}

fn resource(kind: &str, id: &str, properties: Value) -> Resource {
    Resource {
        kind: kind.to_owned(),
        id: id.to_owned(),
        arn: None,
        account: Some("111122223333".to_owned()),
        region: Some("us-east-1".to_owned()),
        tags: Default::default(),
        properties,
        observed: json!({}),
        relations: Vec::new(),
        source: Source::Live,
        origin: None,
    }
}

fn now() -> DateTime<Utc> {
    FIXTURE_NOW.parse().expect("a time")
}

fn judge(book: &Rulebook, inventory: &Inventory) -> Vec<Judgement> {
    let mut lines = Vec::new();
    book.judge(inventory, now(), &mut |line| lines.push(line));
    lines
}

/// What `cel` says of a bucket with these properties.
fn bucket(cel: &str, properties: Value) -> Judgement {
    let book = rulebook("X.1", BUCKET, &format!("```cel\n{cel}\n```\n"));
    let inventory = Inventory { resources: vec![resource(BUCKET, "b", properties)], gaps: vec![] };
    judge(&book, &inventory).remove(0)
}

fn verdict(cel: &str, properties: Value) -> Verdict {
    bucket(cel, properties).verdict
}

/// The errors of a bucket control with this rule.
fn mistakes(cel: &str) -> Vec<String> {
    let file = control("X.1", BUCKET, &format!("```cel\n{cel}\n```\n"));
    let (_, errors) = Rulebook::compile(&library(&[("controls/x/X.md", file)]));
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_built_in_control_holds_its_fixtures() {
    let library = Library::builtin().expect("the content reads");
    let errors = Rulebook::test(&library, None);
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{} errors:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn absent_reads_as_null() {
    for (cel, expected) in [
        ("resource.BucketEncryption.ServerSideEncryptionConfiguration == null", Verdict::Pass),
        ("resource.PublicAccessBlockConfiguration.BlockPublicAcls == false", Verdict::Fail),
        ("resource.LifecycleConfiguration.Rules.exists(r, true)", Verdict::Fail),
        ("resource.LifecycleConfiguration.Rules.all(r, false)", Verdict::Pass),
        ("size(resource.LifecycleConfiguration.Rules) == 0", Verdict::Pass),
        ("\"x\" in resource.LifecycleConfiguration.Rules", Verdict::Fail),
        ("has(resource.BucketName)", Verdict::Fail),
        ("resource.BucketName.startsWith(\"x\")", Verdict::Fail),
        ("resource[\"BucketName\"] == null", Verdict::Pass),
        ("resource.BucketName > 1", Verdict::Unknown),
        ("days_since(resource.BucketName) == null", Verdict::Pass),
        ("tags.Owner == null && tags[\"a b\"] == null", Verdict::Pass),
    ] {
        assert_eq!(verdict(cel, json!({})), expected, "{cel}");
    }
}

#[test]
fn rules_compute() {
    let properties = json!({"BucketName": "Logs-1", "AccessControl": "Private",
        "CorsConfiguration": {"CorsRules": [{"AllowedOrigins": ["*"], "MaxAge": 5}, {"AllowedOrigins": ["a"], "MaxAge": 7}]}});
    for cel in [
        "resource.BucketName.matches(\"^Logs-[0-9]+$\") && lower(resource.BucketName) == \"logs-1\"",
        "glob(\"Logs-*\", resource.BucketName) && resource.BucketName.contains(\"gs\")",
        "resource.AccessControl in [\"Private\", \"BucketOwnerRead\"]",
        "resource.CorsConfiguration.CorsRules.exists_one(r, r.AllowedOrigins == [\"*\"])",
        "resource.CorsConfiguration.CorsRules.filter(r, r.MaxAge > 5).map(r, r.MaxAge) == [7]",
        "resource.CorsConfiguration.CorsRules.map(r, r.MaxAge < 6, r.MaxAge + 1)[0] == 6",
        "size(resource.CorsConfiguration.CorsRules) * 2 - 1 == 3 && 7 % 4 == 3 && 1.0 == 1",
        "resource.CorsConfiguration.CorsRules[1].AllowedOrigins[0] == \"a\"",
        "resource.CorsConfiguration.CorsRules[9].AllowedOrigins == null",
        "(size(resource.BucketName) > 3 ? \"long\" : \"short\") == \"long\"",
        "days_since(\"2026-11-12T00:00:00Z\") == 10.0 && days_since(\"2026-11-21\") == 1.0",
        "account == \"111122223333\" && region == \"us-east-1\" && id == \"b\" && arn == null",
        "[\"BucketName\", \"AccessControl\"].all(name, resource[name] != null)",
        "string(7) + \"x\" == \"7x\" && int(\"7\") == 7 && double(7) / 2 == 3.5 && -1 < 0",
    ] {
        let line = bucket(cel, properties.clone());
        assert_eq!(line.verdict, Verdict::Pass, "{cel}: {}", line.reason.en);
    }
}

#[test]
fn what_is_not_known_decides_nothing() {
    let properties = json!({"BucketName": unknown("Parameter Name"), "AccessControl": "Private",
        "Tags": [{"Key": "a", "Value": unknown("Parameter Tag")}, {"Key": "b", "Value": "x"}]});
    for (cel, expected) in [
        ("resource.BucketName == \"x\"", Verdict::Unknown),
        ("resource.BucketName == \"x\" && resource.AccessControl == \"PublicRead\"", Verdict::Fail),
        ("resource.BucketName == \"x\" || resource.AccessControl == \"Private\"", Verdict::Pass),
        ("resource.BucketName == \"x\" ? true : true", Verdict::Unknown),
        ("has(resource.BucketName)", Verdict::Unknown),
        ("resource.Tags.exists(t, t.Value == \"x\")", Verdict::Pass),
        ("resource.Tags.all(t, t.Value == \"y\")", Verdict::Fail),
        ("resource.Tags.all(t, t.Value == \"x\")", Verdict::Unknown),
        ("resource.Tags.filter(t, t.Value == \"x\").exists(t, t.Key == \"b\")", Verdict::Pass),
        ("size(resource.Tags.filter(t, t.Value == \"x\")) == 1", Verdict::Unknown),
        ("\"x\" in resource.Tags.map(t, t.Value)", Verdict::Pass),
        ("\"z\" in resource.Tags.map(t, t.Value)", Verdict::Unknown),
        ("size(resource.Tags) == 2", Verdict::Pass),
    ] {
        assert_eq!(verdict(cel, properties.clone()), expected, "{cel}");
    }
    let line = bucket("resource.BucketName == \"x\"", properties);
    assert_eq!(line.reason.en, "not known: Parameter Name");
    assert!(line.reason.ja.contains("Parameter Name"));
}

#[test]
fn a_verdict_shows_what_it_read() {
    let cel = "[\"BlockPublicAcls\", \"BlockPublicPolicy\"].all(f, resource.PublicAccessBlockConfiguration[f] == true)";
    let line =
        bucket(cel, json!({"PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": false}}));
    assert_eq!(line.evidence, json!({"resource.PublicAccessBlockConfiguration.BlockPublicPolicy": false}));
    assert_eq!(line.reason.en, "`PublicAccessBlockConfiguration.BlockPublicPolicy` is false");
    let line = bucket("resource.LoggingConfiguration.DestinationBucketName != null", json!({}));
    assert_eq!(line.evidence, json!({"resource.LoggingConfiguration.DestinationBucketName": null}));
    assert_eq!(line.reason.ja, "`LoggingConfiguration.DestinationBucketName` が未設定");
    let rules = json!({"CorsConfiguration": {"CorsRules": [{"MaxAge": 1}, {"MaxAge": 9}]}});
    let line = bucket("resource.CorsConfiguration.CorsRules.all(r, r.MaxAge < 5)", rules);
    assert_eq!(line.evidence, json!({"resource.CorsConfiguration.CorsRules[1].MaxAge": 9}));
}

#[test]
fn a_verdict_shows_the_other_resources_it_looked_at() {
    let book = rulebook(
        "X.1",
        BUCKET,
        "```cel\nrelated(\"AWS::EC2::VPC\").exists(v, v.resource.CidrBlock == \"10.0.0.0/8\")\n```\n",
    );
    let mut inventory = Inventory { resources: vec![resource(BUCKET, "b", json!({}))], gaps: vec![] };
    assert_eq!(judge(&book, &inventory)[0].evidence, json!({"AWS::EC2::VPC": []}));
    inventory.resources.push(resource("AWS::EC2::VPC", "v", json!({"CidrBlock": "x"})));
    assert_eq!(judge(&book, &inventory)[0].evidence, json!({"AWS::EC2::VPC[v].resource.CidrBlock": "x"}));
}

#[test]
fn evidence_is_capped() {
    let tags: Vec<Value> = (0..500).map(|i| json!({"Key": "k".repeat(5000), "Value": i})).collect();
    let line = bucket("resource.Tags.map(t, t.Key + \"x\").exists(k, k == \"\")", json!({"Tags": tags}));
    assert_eq!(line.verdict, Verdict::Fail);
    let evidence = line.evidence.as_object().expect("an object");
    assert!(evidence.len() <= 20, "{} paths", evidence.len());
    assert!(evidence.values().all(|v| v.to_string().len() < 2200));
}

#[test]
fn misspelt_rules_are_named_with_their_line() {
    let named = |cel: &str, text: &str| {
        let found = mistakes(cel);
        assert!(found.iter().any(|e| e.contains(text)), "{cel}: {found:?}");
    };
    named(
        "true &&\n  resource.Bukcet == null",
        "controls/x/X.md:17: no property `Bukcet` on AWS::S3::Bucket; did you mean `BucketName`?",
    );
    named("resource.PublicAccessBlockConfiguration.BlockPublicAcl == true", "did you mean `BlockPublicAcls`?");
    named("resource.BucketName.Foo == 1", "it is a string");
    named("resource.Tags.exists(t, t.Kye == \"x\")", "did you mean `Key`?");
    named(
        "[\"BlockPublicAcls\", \"Nope\"].all(f, resource.PublicAccessBlockConfiguration[f] == true)",
        "no property `Nope`",
    );
    named("resuorce.BucketName == null", "did you mean `resource`?");
    named("relatd(\"AWS::EC2::VPC\").exists(v, true)", "did you mean `related`?");
    named("related(\"AWS::EC2::Vpcs\").exists(v, true)", "no resource type `AWS::EC2::Vpcs`");
    named("related(\"AWS::EC2::VPC\").exists(v, v.resource.CidrBlok == null)", "did you mean `CidrBlock`?");
    named("statements(resource).exists(s, s.Efect == \"Allow\")", "did you mean `Effect`?");
    named("derived.public == true", "no property `public`");
    named("resource.BucketName.matches(\"(\")", "is no regular expression");
    named("resource.BucketName ==", "controls/x/X.md:");
    named("lower(resource.BucketName, 1)", "takes 1 value(s), not 2");
    assert_eq!(mistakes("resource.BucketName != null"), [""; 0]);
}

#[test]
fn heads_are_strict() {
    let file = control("X.1", BUCKET, "```cel\ntrue\n```\n").replace("minutes = 5", "minuets = 5");
    let (_, errors) = Rulebook::compile(&library(&[("controls/x/X.md", file)]));
    assert!(errors[0].to_string().starts_with("controls/x/X.md:7:"), "{errors:?}");
    assert!(errors[0].message.contains("minuets"), "{errors:?}");
}

#[test]
fn samples_extend_a_type() {
    let sample = "+++\ntype = \"AWS::S3::Bucket\"\n+++\n## en: a\n## ja: b\n```sample\n\
        {\"properties\": {\"PolicyDocument\": {\"Statement\": []}}, \"observed\": {\"PolicyStatus\": {\"IsPublic\": true}}}\n```\n";
    let compile = |cel: &str| {
        let file = control("X.1", BUCKET, &format!("```cel\n{cel}\n```\n"));
        Rulebook::compile(&library(&[("controls/x/X.md", file), ("resources/s3/bucket.md", sample.to_owned())])).1
    };
    assert_eq!(compile("resource.PolicyDocument.Statement == null && resource.PolicyDocument.Id == null"), []);
    assert_eq!(compile("observed.PolicyStatus.IsPublic == false"), []);
    assert!(compile("observed.PolicyStatus.IsPublc == false")[0].message.contains("did you mean `IsPublic`?"));
    assert!(compile("resource.PolicyText == null")[0].message.contains("no property `PolicyText`"));
}

#[test]
fn resources_are_joined_within_their_account() {
    let cel = "related(\"AWS::EC2::VPC\").exists(v, v.resource.VpcId == resource.VpcId && v.resource.CidrBlock == \"10.0.0.0/8\")";
    let book = rulebook("X.1", "AWS::EC2::Subnet", &format!("```cel\n{cel}\n```\n"));
    let subnet = |id: &str, vpc: &str| resource("AWS::EC2::Subnet", id, json!({"VpcId": vpc}));
    let vpc = |id: &str, cidr: &str| resource("AWS::EC2::VPC", id, json!({"VpcId": id, "CidrBlock": cidr}));
    let mut foreign = vpc("vpc-3", "10.0.0.0/8");
    foreign.account = Some("999999999999".to_owned());
    let mut inventory = Inventory {
        resources: vec![
            subnet("a", "vpc-1"),
            subnet("b", "vpc-2"),
            subnet("c", "vpc-3"),
            vpc("vpc-1", "10.0.0.0/8"),
            vpc("vpc-2", "192.168.0.0/16"),
            foreign,
        ],
        gaps: vec![],
    };
    let verdicts = |inventory: &Inventory| judge(&book, inventory).iter().map(|j| j.verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(&inventory), [Verdict::Pass, Verdict::Fail, Verdict::Fail]);
    // A listing that failed may hold the one that is looked for.
    inventory.gaps.push(gap("AWS::EC2::VPC", "us-west-2", "ec2:DescribeVpcs"));
    assert_eq!(verdicts(&inventory), [Verdict::Pass, Verdict::Unknown, Verdict::Unknown]);
}

fn gap(kind: &str, region: &str, action: &str) -> Gap {
    Gap {
        kind: kind.to_owned(),
        account: Some("111122223333".to_owned()),
        region: Some(region.to_owned()),
        action: action.to_owned(),
        reason: "AccessDenied".to_owned(),
    }
}

#[test]
fn related_here_stays_in_the_region() {
    let cel = "related_here(\"AWS::EC2::VPC\").exists(v, v.resource.VpcId == resource.VpcId)";
    let book = rulebook("X.1", "AWS::EC2::Subnet", &format!("```cel\n{cel}\n```\n"));
    let at = |kind: &str, region: &str| Resource {
        region: Some(region.to_owned()),
        ..resource(kind, "x", json!({"VpcId": "v"}))
    };
    let inventory = Inventory {
        resources: vec![
            at("AWS::EC2::Subnet", "eu-west-1"),
            at("AWS::EC2::Subnet", "us-east-1"),
            at("AWS::EC2::VPC", "us-east-1"),
        ],
        gaps: vec![],
    };
    let lines = judge(&book, &inventory);
    assert_eq!(lines.iter().map(|j| j.verdict).collect::<Vec<_>>(), [Verdict::Fail, Verdict::Pass]);
}

#[test]
fn a_failed_listing_is_one_unknown_line_for_each_control() {
    let book = rulebook("X.1", "AWS::EC2::VPC", "```cel\nresource.CidrBlock != null\n```\n");
    let inventory = Inventory {
        resources: vec![resource("AWS::EC2::VPC", "v", json!({"CidrBlock": "10.0.0.0/8"}))],
        gaps: vec![
            gap("AWS::EC2::VPC", "us-west-2", "ec2:DescribeVpcs"),
            gap("AWS::EC2::VPC", "us-west-2", "ec2:DescribeFlowLogs"),
            gap("AWS::S3::Bucket", "us-west-2", "s3:ListAllMyBuckets"),
        ],
    };
    let lines = judge(&book, &inventory);
    assert_eq!(lines.len(), 2);
    let blind = &lines[1];
    assert_eq!(
        (blind.verdict, blind.resource.as_str(), blind.kind.as_str()),
        (Verdict::Unknown, "AWS::::Account:111122223333", "AWS::::Account")
    );
    assert_eq!(blind.region.as_deref(), Some("us-west-2"));
    assert!(blind.reason.en.contains("ec2:DescribeVpcs") && blind.reason.ja.contains("ec2:DescribeFlowLogs"));
}

#[test]
fn a_template_cannot_tell_what_is_observed() {
    let book = rulebook("X.1", "AWS::IAM::User", "```cel\nobserved.MfaActive == true\n```\n");
    let template = Resource {
        source: Source::CloudFormation,
        origin: Some(Origin { file: "t.yaml".to_owned(), line: Some(3), column: Some(5) }),
        observed: Value::Null,
        ..resource("AWS::IAM::User", "User", json!({}))
    };
    let lines = judge(&book, &Inventory { resources: vec![template], gaps: vec![] });
    assert_eq!(lines[0].verdict, Verdict::NotApplicable);
    assert_eq!(
        (lines[0].reason.en.as_str(), lines[0].reason.ja.as_str()),
        ("needs the live account", "実アカウントの情報が必要です")
    );
    assert_eq!((lines[0].file.as_deref(), lines[0].line, lines[0].column), (Some("t.yaml"), Some(3), Some(5)));
}

#[test]
fn when_leaves_resources_out() {
    let book =
        rulebook("X.1", BUCKET, "```when\nresource.AccessControl == \"LogDeliveryWrite\"\n```\n```cel\nfalse\n```\n");
    let judged = |access: Value| {
        judge(
            &book,
            &Inventory { resources: vec![resource(BUCKET, "b", json!({"AccessControl": access}))], gaps: vec![] },
        )
    };
    assert!(judged(json!("Private")).is_empty());
    assert_eq!(judged(json!("LogDeliveryWrite"))[0].verdict, Verdict::Fail);
    assert_eq!(judged(unknown("Parameter Acl"))[0].verdict, Verdict::Unknown);
}

#[test]
fn region_wide_lines_carry_the_account_type_and_lines_are_ordered() {
    let files = [
        ("controls/x/A.md", control("B.1", "AWS::::Region", "```cel\nobserved.EbsEncryptionByDefault == true\n```\n")),
        ("controls/x/B.md", control("A.1", "AWS::::Region", "```cel\ntrue\n```\n")),
        ("controls/x/C.md", control("C.1", BUCKET, "```cel\ntrue\n```\n")),
    ];
    let (book, errors) = Rulebook::compile(&library(&files));
    assert_eq!(errors, []);
    let region = resource("AWS::::Region", "AWS::::Account:111122223333", json!({}));
    let resources = vec![resource(BUCKET, "z", json!({})), resource(BUCKET, "a", json!({})), region];
    let lines = judge(&book, &Inventory { resources, gaps: vec![] });
    let shown: Vec<_> = lines.iter().map(|j| (j.kind.as_str(), j.resource.as_str(), j.control.as_str())).collect();
    let account = "AWS::::Account:111122223333";
    assert_eq!(
        shown,
        [
            ("AWS::::Account", account, "A.1"),
            ("AWS::::Account", account, "B.1"),
            (BUCKET, "a", "C.1"),
            (BUCKET, "z", "C.1")
        ]
    );
}

#[test]
fn fixtures_are_run_and_required() {
    let errors_of = |blocks: &str| {
        let errors = Rulebook::test(&library(&[("controls/x/X.md", control("X.1", BUCKET, blocks))]), None);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let rule = "```when\nresource.BucketName != \"skip\"\n```\n```cel\nresource.AccessControl == null\n```\n";
    let good = "```pass\n{}\n```\n```fail\n{\"AccessControl\": \"PublicRead\"}\n```\n```na\n{\"BucketName\": \"skip\"}\n```\n\
        ```unknown\n{\"AccessControl\": {\"$unknown\": \"Parameter Acl\"}}\n```\n";
    assert_eq!(errors_of(&format!("{rule}{good}")), [""; 0]);
    let without = errors_of(rule);
    assert!(
        without.iter().any(|e| e.contains("no ```pass fixture"))
            && without.iter().any(|e| e.contains("no ```fail fixture")),
        "{without:?}"
    );
    let wrong = errors_of(&format!("{rule}```pass\n{{}}\n```\n```fail\n{{}}\n```\n"));
    assert_eq!(
        wrong,
        ["controls/x/X.md:25: this ```fail fixture must give FAIL, but gives PASS: `AccessControl` is not set"]
    );
    let misspelt =
        errors_of(&format!("{rule}```pass\n{{\"BuketName\": 1}}\n```\n```fail\n{{\"AccessControl\": 1}}\n```\n"));
    assert!(misspelt[0].contains("did you mean `BucketName`?"), "{misspelt:?}");
    let broken = errors_of(&format!("{rule}{good}```fail\n{{\n  oops\n```\n"));
    assert!(broken[0].contains("no JSON"), "{broken:?}");
}

#[test]
fn a_rule_can_say_unknown_and_write_objects() {
    let cel = "[{\"a\": 1, \"b\": 2}].all(known, resource.BucketName in known ? known[resource.BucketName] == 1\n  : unknown(\"name \" + resource.BucketName))";
    assert_eq!(verdict(cel, json!({"BucketName": "a"})), Verdict::Pass);
    assert_eq!(verdict(cel, json!({"BucketName": "b"})), Verdict::Fail);
    let line = bucket(cel, json!({"BucketName": "c"}));
    assert_eq!((line.verdict, line.reason.en.as_str()), (Verdict::Unknown, "not known: name c"));
}

#[test]
fn a_control_can_judge_several_types() {
    let several = |cel: &str| {
        let file = control("X.1", "AWS::IAM::User", &format!("```cel\n{cel}\n```\n"))
            .replace("resource = \"AWS::IAM::User\"", "resource = [\"AWS::IAM::User\", \"AWS::IAM::Group\"]");
        let sample = "+++\ntype = \"AWS::IAM::Group\"\n+++\n## en: a\n## ja: b\n```sample\n{\"properties\": {\"GroupName\": \"g\"}}\n```\n";
        Rulebook::compile(&library(&[("controls/x/X.md", file), ("resources/iam/group.md", sample.to_owned())]))
    };
    let (book, errors) = several("resource.ManagedPolicyArns == null");
    assert_eq!(errors, []);
    let resources = vec![resource("AWS::IAM::User", "u", json!({})), resource("AWS::IAM::Group", "g", json!({}))];
    assert_eq!(judge(&book, &Inventory { resources, gaps: vec![] }).len(), 2);
    let (_, errors) = several("resource.LoginProfile == null");
    assert!(errors.len() == 1 && errors[0].message.contains("on AWS::IAM::Group"), "{errors:?}");
}

#[test]
fn hostile_values_neither_panic_nor_run_long() {
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    let properties = json!({"Tags": deep, "BucketName": "a".repeat(100_000), "AccessControl": -1,
        "PolicyDocument": {"Statement": [null, 1, "x", [], {"Effect": [], "Principal": {"AWS": [[["*"]]]}, "Action": {}}]}});
    for cel in [
        "resource.Tags == resource.Tags",
        "glob(\"*a*a*a*a*a*a*a*b\", resource.BucketName)",
        "resource.BucketName.matches(\"(a+)+b\")",
        "resource.AccessControl.startsWith(\"x\")",
        "statements(resource[\"PolicyDocument\"]).exists(s, \"*\" in s.Principal)",
        "policy_public(resource[\"PolicyDocument\"])",
        "derived.public_read || derived.public_write || derived.policy_public",
        "resource.Tags.all(a, resource.Tags.all(b, a == b))",
        "9223372036854775807 + 1 == 0 || 1 / 0 == 1",
    ] {
        let _ = bucket(cel, properties.clone());
    }
}

#[test]
fn a_rulebook_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Rulebook>();
}

#[test]
fn frameworks_and_stages_take_their_part_of_the_score() {
    let rule = "```cel\ntrue\n```\n";
    let framework = "id = \"f\"\nversion = \"1\"\ntitle.en = \"F\"\ntitle.ja = \"え\"\n\
        [[item]]\nid = \"1\"\ntitle.en = \"a\"\ntitle.ja = \"b\"\ncontrols = [\"A.1\"]\n\
        [[item]]\nid = \"2\"\ntitle.en = \"a\"\ntitle.ja = \"b\"\ncontrols = [\"A.1\", \"B.1\"]\n\
        [[item]]\nid = \"3\"\ntitle.en = \"a\"\ntitle.ja = \"b\"\nmanual = true\n";
    let hardened = control("C.1", BUCKET, rule).replace("minimum", "hardened");
    let files = [
        ("controls/x/A.md", control("A.1", BUCKET, rule)),
        ("controls/x/B.md", control("B.1", BUCKET, rule)),
        ("controls/x/C.md", hardened),
        ("frameworks/f.toml", framework.to_owned()),
    ];
    let (book, errors) = Rulebook::compile(&library(&files));
    assert_eq!(errors, []);
    let row = |control, verdict| VerdictRow { control, verdict, suppressed: false };
    let rows = [row("A.1", Verdict::Pass), row("B.1", Verdict::Fail), row("C.1", Verdict::Unknown)];
    let score = book.score(rows, &Default::default());
    assert_eq!(score.percent(), Some(33));
    let part = score.of_framework(book.framework("f").expect("there"));
    assert_eq!((part.passed, part.failed, part.unknown, part.percent()), (1, 1, 0, Some(50)));
    let stages = book.roadmap(&score).stages;
    let shown: Vec<_> = stages.iter().map(|s| (s.stage, s.passed, s.failed, s.unknown, s.no_data)).collect();
    assert_eq!(shown, [(Stage::Minimum, 1, 1, 0, 0), (Stage::Standard, 0, 0, 0, 0), (Stage::Hardened, 0, 0, 1, 0)]);
    assert_eq!(score.controls["C.1"], ControlStatus::Unknown);
    let bad = [("frameworks/f.toml", framework.to_owned())];
    let (_, errors) = Rulebook::compile(&library(&bad));
    assert!(errors[0].message.contains("`A.1`, which is no control"), "{errors:?}");
}
