//! Templates: intrinsic functions as far as the template tells, and places.

use super::{find, no_problems, options, read};
use serde_json::{Value, json};
use yagura_inventory::files::{self, Input, Options, Parameters};
use yagura_model::{Source, unknown};

/// The `V` that a template gives its one resource.
fn value_of(head: &str, value: &str) -> Value {
    let result =
        read(&format!("{head}\nResources:\n  T:\n    Type: Custom::Thing\n    Properties:\n      V: {value}\n"));
    find(&result, "T").properties.get("V").cloned().unwrap_or_default()
}

const HEAD: &str = "
Parameters:
  Env: {Type: String}
  Name: {Type: String, Default: web}
  Port: {Type: Number, Default: 22}
  Zones: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Only: {Type: String, AllowedValues: [x, x]}
  Ami: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami}
Mappings:
  Sizes:
    prod: {size: 3, same: 1}
    dev: {size: 1, same: 1}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsWeb: !Equals [!Ref Name, web]
  Neither: !Not [!Or [!Condition IsWeb, !Condition IsProd]]
  Both: !And [!Condition IsWeb, !Condition IsProd]
  Here: !Equals [!Ref AWS::Region, us-east-1]
";

#[test]
fn computes_functions_as_far_as_their_inputs_are_known() {
    let env = unknown("Parameter Env");
    let cases: &[(&str, Value)] = &[
        ("!Ref Env", env.clone()),
        ("{Ref: Name}", json!("web")),
        ("!Ref Port", json!(22)),
        ("!Ref Zones", json!(["a", "b", "c"])),
        ("!Ref Only", json!("x")),
        ("!Ref Ami", unknown("Parameter Ami")),
        ("!Ref T", json!("T")),
        ("!GetAtt T.Arn", json!("${T.Arn}")),
        ("!GetAtt [T, Endpoint]", unknown("GetAtt T.Endpoint")),
        ("!Sub '${Name}-${Port}-${!Name}'", json!("web-22-${Name}")),
        ("!Sub ['${A}/${T.Arn}', {A: !Ref Name}]", json!("web/${T.Arn}")),
        ("!Sub '${Env}-x'", env.clone()),
        ("!Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'", json!("arn:aws:iam::${AWS::AccountId}:root")),
        ("!Ref AWS::Region", unknown("AWS::Region")),
        ("!Join ['-', [a, !Ref Name, !Ref Port]]", json!("a-web-22")),
        ("!Join ['', ['arn:', !Ref 'AWS::Region']]", json!("arn:${AWS::Region}")),
        ("!Join [',', !Ref Zones]", json!("a,b,c")),
        ("!Select [1, !Ref Zones]", json!("b")),
        ("!Select ['0', !Split ['.', x.y]]", json!("x")),
        ("!Select [4, !Split [':', !GetAtt T.Arn]]", unknown("${T.Arn}")),
        ("!FindInMap [Sizes, prod, size]", json!(3)),
        ("!FindInMap [Sizes, !Ref Env, size]", env.clone()),
        ("!FindInMap [Sizes, !Ref Env, same]", json!(1)),
        ("!FindInMap [Sizes, test, size, {DefaultValue: 7}]", json!(7)),
        ("!If [IsWeb, yes, no]", json!("yes")),
        ("!If [IsProd, 1, 2]", env.clone()),
        ("!If [IsProd, same, same]", json!("same")),
        ("!If [IsProd, {a: 1, b: 2}, {a: 1, b: 3, c: 4}]", json!({"a": 1, "b": env, "c": env})),
        ("!If [Neither, 1, 2]", json!(2)),
        ("!If [Both, 1, 2]", env),
        ("!If [Here, 1, 2]", unknown("AWS::Region")),
        ("[a, !Ref AWS::NoValue, !If [IsWeb, !Ref AWS::NoValue, b]]", json!(["a"])),
        ("!ImportValue shared", unknown("ImportValue shared")),
        ("!Base64 hello", json!("aGVsbG8=")),
        ("!Cidr [10.0.0.0/24, 2, 7]", json!(["10.0.0.0/25", "10.0.0.128/25"])),
        ("{Fn::GetStackOutput: {StackName: s, OutputName: o}}", unknown("GetStackOutput s.o")),
        ("{Fn::Sub: {Fn::Transform: {Name: M}}}", unknown("Transform M")),
        ("{<<: {a: 1, b: 2}, b: 3}", json!({"a": 1, "b": 3})),
        ("!GetAZs ''", unknown("Availability Zones")),
        ("{Fn::Length: !Ref Zones}", json!(3)),
        ("{Fn::ToJsonString: {a: !Ref Port}}", json!("{\"a\":22}")),
        ("{Fn::Transform: {Name: AWS::Include, Parameters: {}}}", unknown("Transform AWS::Include")),
        ("{a: 1, Fn::Transform: {Name: Mine}}", unknown("Transform Mine")),
    ];
    for (text, want) in cases {
        assert_eq!(value_of(HEAD, text), *want, "{text}");
    }
    assert_eq!(value_of(HEAD, "!Ref AWS::NoValue"), Value::Null);
}

#[test]
fn takes_given_parameters_and_place() {
    let text = format!(
        "{HEAD}\nResources:\n  T:\n    Type: Custom::Thing\n    Properties:\n      V: !If [IsProd, 1, 2]\n      R: !Ref AWS::Region\n      S: !Sub '${{AWS::Partition}}'\n"
    );
    let parameters = Parameters::parse("p.json", r#"{"Env": "prod"}"#).expect("reads");
    let options = Options { parameters, region: Some("cn-north-1".to_owned()), ..options() };
    let result = files::read(&[Input::Bytes("t".to_owned(), text.into_bytes())], &options);
    no_problems(&result);
    assert_eq!(find(&result, "T").properties, json!({"V": 1, "R": "cn-north-1", "S": "aws-cn"}));
}

#[test]
fn compares_secrets_and_shows_none() {
    let result = read(
        "Parameters:\n  P: {Type: String, NoEcho: true, Default: hunter2}\n  Q: {Type: String, NoEcho: 'true', Default: 'true'}\n\
         Conditions:\n  Same: !Equals [!Ref P, hunter2]\nResources:\n  T:\n    Type: Custom::Thing\n    Properties:\n\
         \x20     S: !Sub 'x-${P}'\n      R: !Ref P\n      Q: !Ref Q\n      C: !If [Same, 1, 2]\n",
    );
    no_problems(&result);
    assert_eq!(find(&result, "T").properties, json!({"S": "x-****", "R": "****", "Q": "true", "C": 1}));
}

#[test]
fn leaves_out_what_a_condition_excludes_and_keeps_what_it_may() {
    let result = read(&format!(
        "{HEAD}\nResources:\n  In: {{Type: 'Custom::A', Condition: IsWeb}}\n  Out: {{Type: 'Custom::A', Condition: Neither}}\n  \
         Maybe: {{Type: 'Custom::A', Condition: IsProd}}\n"
    ));
    let ids: Vec<&str> = result.inventory.resources.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["In", "Maybe"]);
}

#[test]
fn says_where_a_resource_stands_in_yaml_and_json() {
    let result = read("Resources:\n  # c\n  Bucket:\n    Type: AWS::S3::Bucket\n");
    let bucket = find(&result, "Bucket");
    let origin = bucket.origin.as_ref().expect("an origin");
    assert_eq!((origin.file.as_str(), origin.line, origin.column), ("input", Some(3), Some(3)));
    assert_eq!(bucket.source, Source::CloudFormation);
    let result = read(
        "{\n\t\"Resources\": {\n\t\t\"Bucket\": {\"Type\":\"AWS::S3::Bucket\",\"Properties\":{\"BucketName\":\"\\u3042\\/b\"}}\n\t}\n}",
    );
    no_problems(&result);
    let bucket = find(&result, "Bucket");
    assert_eq!(bucket.origin.as_ref().and_then(|o| o.line.zip(o.column)), Some((3, 3)));
    assert_eq!(bucket.properties["BucketName"], "あ/b");
}

#[test]
fn reads_json_that_is_no_yaml() {
    let long = "x".repeat(3000);
    let text = format!(
        "{{\"Resources\":{{\"A\":{{\"Type\":\"Custom::A\",\"Properties\":{{\"{long}\":1,\"E\":\"\\ud83d\\ude00\",\"U\":\"http:\\/\\/x\"}}}}}}}}"
    );
    let result = read(&text);
    no_problems(&result);
    let properties = &find(&result, "A").properties;
    assert_eq!((&properties[&long], &properties["E"], &properties["U"]), (&json!(1), &json!("😀"), &json!("http://x")));
}

#[test]
fn folds_parts_into_their_owners() {
    let result = read(
        "
Parameters: {Name: {Type: String}}
Resources:
  ByRef: {Type: AWS::S3::Bucket}
  ByName: {Type: AWS::S3::Bucket, Properties: {BucketName: fixed}}
  ByExpression: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub '${Name}-x'}}
  P1: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: !Ref ByRef, PolicyDocument: {Id: one}}}
  P2: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: fixed, PolicyDocument: {Id: two}}}
  P3: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: !Join ['', [!Ref Name, -x]], PolicyDocument: {Id: three}}}
",
    );
    no_problems(&result);
    for (id, policy) in [("ByRef", "one"), ("ByName", "two"), ("ByExpression", "three")] {
        assert_eq!(find(&result, id).properties["PolicyDocument"], json!({"Id": policy}), "{id}");
    }
}

#[test]
fn a_part_that_may_not_be_there_leaves_its_owner_open() {
    let result = read(&format!(
        "{HEAD}
Resources:
  A: {{Type: AWS::S3::Bucket, Properties: {{BucketName: a}}}}
  B: {{Type: AWS::S3::Bucket, Condition: IsProd}}
  Open: {{Type: AWS::EC2::SecurityGroup, Properties: {{SecurityGroupIngress: [{{IpProtocol: tcp, CidrIp: 0.0.0.0/0}}]}}}}
  PA: {{Type: AWS::S3::BucketPolicy, Condition: IsProd, Properties: {{Bucket: !Ref A, PolicyDocument: {{Id: x}}}}}}
  PB: {{Type: AWS::S3::BucketPolicy, Condition: IsProd, Properties: {{Bucket: !Ref B, PolicyDocument: {{Id: x}}}}}}
  More: {{Type: AWS::EC2::SecurityGroupIngress, Condition: IsProd, Properties: {{GroupId: !Ref Open, IpProtocol: udp, CidrIp: 10.0.0.0/8}}}}
"
    ));
    no_problems(&result);
    let env = unknown("Parameter Env");
    assert_eq!(find(&result, "A").properties, json!({"BucketName": "a", "PolicyDocument": env}));
    assert_eq!(find(&result, "B").properties["PolicyDocument"], json!({"Id": "x"}), "on the same condition");
    let rules = &find(&result, "Open").properties["SecurityGroupIngress"];
    assert_eq!(*rules, json!([{"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"}, env]));
}

#[test]
fn complains_of_what_can_not_be_right_and_judges_the_rest() {
    for (body, want) in [
        ("  A: {Type: Custom::A, Properties: {V: !Ref Nothing}}", "`Ref` to `Nothing`"),
        ("  A: {Type: Custom::A, Properties: {V: !Foo x}}", "unknown function `Fn::Foo`"),
        ("  A: {Type: Custom::A, Properties: {V: {'Fn::Bar': 1}}}", "unknown function `Fn::Bar`"),
        ("  A: {Type: Custom::A, Properties: {V: !GetAtt B.C.D}}\n", "`Fn::GetAtt` of `B`"),
        ("  A: {Type: Custom::A, Properties: {V: !Select [5, [a]]}}", "element 5"),
        ("  A: {Type: Custom::A, Properties: {V: !If [None, a, b]}}", "condition `None`"),
        (
            "  A: {Type: Custom::A, Properties: {V: !If [C1, a, b]}}\nConditions:\n  C1: !Not [!Condition C2]\n  C2: !Not [!Condition C1]",
            "C1 → C2 → C1",
        ),
        ("  A: {Type: Custom::A, Properties: {V: !Ref B}}\n  B: {Type: Custom::B, DependsOn: [A]}", "A → B → A"),
        ("  A: {Type: Custom::A}\n  B: {Properties: {}}", "resource `B` has no `Type`"),
        ("  A: {Type: Custom::A}\nTransform: [Mine]", "macro `Mine`"),
    ] {
        let result = read(&format!("Resources:\n{body}\n"));
        assert_eq!(result.problems.len(), 1, "{body}: {:?}", result.problems);
        assert!(result.problems[0].message.en.contains(want), "{body}: {}", result.problems[0]);
        find(&result, "A");
    }
}

#[test]
fn unrolls_loops() {
    let result = read(
        "
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: 'Red,Blue'}}
Resources:
  Fn::ForEach::Buckets:
    - Name
    - !Ref Names
    - Bucket${Name}:
        Type: AWS::S3::Bucket
        Properties:
          BucketName: !Sub 'x-${Name}'
          Tags: [{Key: n, Value: !Ref Name}]
  Fn::ForEach::Groups:
    - [Name, Port]
    - {Web: 443, Ssh: 22}
    - Group${Name}:
        Type: AWS::EC2::SecurityGroup
        Properties: {SecurityGroupIngress: [{IpProtocol: tcp, FromPort: !Ref Port, ToPort: !Ref Port, CidrIp: 0.0.0.0/0}]}
  Fn::ForEach::Nested:
    - A
    - !FindInMap [Lists, all, names]
    - Fn::ForEach::Inner:
        - B
        - ['1', '2']
        - T${A}${B}: {Type: Custom::T, Properties: {Fn::ForEach::P: [K, [x, y], {'${K}': !Sub '${A}-${K}'}]}}
Mappings: {Lists: {all: {names: [P, Q]}}}
",
    );
    no_problems(&result);
    assert_eq!(find(&result, "BucketRed").properties["BucketName"], "x-Red");
    assert_eq!(find(&result, "GroupSsh").properties["SecurityGroupIngress"][0]["FromPort"], 22);
    assert_eq!(find(&result, "TQ2").properties, json!({"x": "Q-x", "y": "Q-y"}));
    assert_eq!(find(&result, "BucketBlue").tags.get("n").map(String::as_str), Some("Blue"));
}

#[test]
fn makes_of_serverless_types_what_the_transform_makes() {
    let result = read(
        "
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Environment: {Variables: {A: '1'}}}}
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      MemorySize: '512'
      Environment: {Variables: {B: '2'}}
      Tracing: Active
      Policies: [AmazonS3ReadOnlyAccess, {Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}]
      FunctionUrlConfig: {AuthType: NONE}
  T: {Type: AWS::Serverless::SimpleTable}
  Q: {Type: Custom::Q, Properties: {X: !GetAtt FnRole.Arn, Y: !Ref ServerlessRestApi}}
",
    );
    no_problems(&result);
    let function = find(&result, "Fn");
    assert_eq!(function.kind, "AWS::Lambda::Function");
    assert_eq!(function.properties["MemorySize"], 512);
    assert_eq!(function.properties["Runtime"], "python3.12");
    assert_eq!(function.properties["Environment"], json!({"Variables": {"A": "1", "B": "2"}}));
    assert_eq!(function.properties["TracingConfig"], json!({"Mode": "Active"}));
    let role = find(&result, "FnRole");
    assert_eq!(role.kind, "AWS::IAM::Role");
    assert_eq!(role.properties["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"], "*");
    assert_eq!(find(&result, "FnUrl").properties["AuthType"], "NONE");
    assert_eq!(find(&result, "T").kind, "AWS::DynamoDB::Table");
    assert_eq!(find(&result, "Q").properties["X"], "${FnRole.Arn}");
}
