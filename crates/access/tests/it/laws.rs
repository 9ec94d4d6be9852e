//! What holds of every request, and the requests that it is tried on.

use crate::ask::{FEDERATED, HERE, ROLE, ROOT, SESSION, THERE, USER, outcome, policy};
use serde_json::{Value, json};

/// A seeded source of cases.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let i = self.below(of.len());
        &of[i]
    }

    fn some(&mut self, of: &[&str]) -> Value {
        let n = 1 + self.below(2);
        let chosen: Vec<&str> = (0..n).map(|_| *self.one(of)).collect();
        if n == 1 { json!(chosen[0]) } else { json!(chosen) }
    }

    pub fn case(&mut self) -> Value {
        let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
        let provider = "arn:aws:iam::111122223333:oidc-provider/idp.example";
        let principals =
            [USER, USER, ROLE, SESSION, SESSION, FEDERATED, ROOT, linked, provider, "ec2.amazonaws.com", "anonymous"];
        let (action, resource) = *self.one(&[
            ("s3:GetObject", "arn:aws:s3:::b/home/Al"),
            ("s3:GetObject", "arn:aws:s3:::b/home/Al"),
            ("S3:putobject", "arn:aws:s3:::b/home/Bo:x"),
            ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q"),
            ("sts:AssumeRole", "arn:aws:iam::111122223333:role/T"),
            ("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k"),
            ("kms:CreateAlias", "arn:aws:kms:us-east-1:111122223333:alias/k"),
            ("s3:GetObject", "arn:aws-cn:s3:::b/home/Al"),
            ("sts:GetCallerIdentity", "*"),
            ("s3:", "arn:aws:s3:::b/home/Al"),
        ]);
        let resource = if action == "sts:GetCallerIdentity" { "arn:aws:s3:::b" } else { resource };
        let mut case = json!({"principal": self.one(&principals), "action": action, "resource": resource,
            "context": self.context()});
        if self.below(3) > 0 {
            case["resourceAccount"] = json!(self.one(&[HERE, HERE, HERE, THERE, "aws"]));
        }
        if self.below(5) > 0 {
            case["identityPolicies"] = self.named(false);
        }
        if self.below(2) > 0 {
            case["resourcePolicy"] = self.document(true);
        }
        for (part, odds) in [("permissionBoundaries", 4), ("vpcEndpointPolicies", 8)] {
            if self.below(odds) == 0 {
                case[part] = self.named(part == "vpcEndpointPolicies");
            }
        }
        if self.below(6) == 0 {
            case["sessionPolicy"] = self.document(false);
        }
        if self.below(4) == 0 {
            let levels: Vec<Value> = (0..self.below(3))
                .map(|i| {
                    json!({"orgIdentifier": format!("ou-{i}"), "policies":
                if self.below(5) == 0 { json!([]) } else { self.named(false) }})
                })
                .collect();
            case["serviceControlPolicies"] = json!(levels);
        }
        if self.below(8) == 0 {
            let mut deny = self.statement(false);
            deny["Principal"] = json!("*");
            case["resourceControlPolicies"] =
                json!([{"orgIdentifier": "r", "policies": [{"name": "r", "policy": policy(json!([deny]))}]}]);
        }
        case
    }

    pub fn context(&mut self) -> Value {
        let mut context = json!({});
        for (key, values) in [
            ("K:Text", json!(["a", "ab", "B"])),
            ("k:tags", json!([["a"], ["a", "b"], [], "a"])),
            ("k:number", json!(["1", "5", "10", "x"])),
            ("k:flag", json!(["true", "FALSE", "x"])),
            ("k:ip", json!(["10.1.2.3", "192.0.2.1", "x"])),
            ("k:arn", json!(["arn:aws:s3:::b/x", "arn:aws:sns:us-east-1:1:t:u", "x"])),
            ("aws:username", json!(["Al", "Bo", "*", ["Al"]])),
        ] {
            if self.below(2) > 0 {
                let values = values.as_array().expect("values");
                context[key] = self.one(values).clone();
            }
        }
        context
    }

    fn named(&mut self, naming: bool) -> Value {
        let count = 1 + self.below(2);
        let list: Vec<Value> =
            (0..count).map(|i| json!({"name": format!("p{i}"), "policy": self.document(naming)})).collect();
        json!(list)
    }

    pub fn document(&mut self, naming: bool) -> Value {
        let statements: Vec<Value> = (0..1 + self.below(3)).map(|_| self.statement(naming)).collect();
        let mut document = policy(json!(statements));
        if self.below(8) == 0 {
            document["Version"] = json!("2008-10-17");
        }
        document
    }

    pub fn statement(&mut self, naming: bool) -> Value {
        let mut statement = json!({"Effect": self.one(&["Allow", "Allow", "Allow", "Deny"])});
        let denies = statement["Effect"] == "Deny";
        let actions =
            ["*", "*", "s3:*", "s3:Get*", "sts:*", "kms:*", "sqs:?endMessage", "s*:GetObject", "S3:PUTOBJECT"];
        let element = if self.below(6) == 0 { "NotAction" } else { "Action" };
        statement[element] = if denies { self.some(&actions[2..]) } else { self.some(&actions) };
        let resources = [
            "*",
            "arn:aws:s3:::b/*",
            "arn:aws:s3:::b/home/${aws:username}*",
            "arn:aws:s3:::b/home/${k:none, 'Al'}",
            "arn:aws:s3:::b/home/Bo*x",
            "arn:aws:sqs:us-*:111122223333:*",
            "arn:aws:iam::*:role/?",
            "arn:aws:kms",
            "arn:aws:s3",
            "arn:aws:sqs:us-east-1*:q",
        ];
        let element = if self.below(6) == 0 { "NotResource" } else { "Resource" };
        statement[element] = if self.below(2) > 0 { json!("*") } else { self.some(&resources) };
        if naming {
            let principal = self.principal();
            statement[if self.below(6) == 0 { "NotPrincipal" } else { "Principal" }] = principal;
        }
        for _ in 0..self.below(3) {
            let (operator, key, operands) = *self.one(&CONDITIONS);
            let operands: Value = serde_json::from_str(operands).expect("operands");
            if statement["Condition"][operator].is_null() {
                statement["Condition"][operator] = json!({key: operands});
            }
        }
        statement
    }

    fn principal(&mut self) -> Value {
        match self.below(8) {
            0 => json!("*"),
            1 => json!({"Service": "ec2.amazonaws.com"}),
            2 => json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/idp.example"}),
            _ => json!({"AWS": self.some(&["*", HERE, ROOT, USER, ROLE, SESSION, FEDERATED, THERE,
                "arn:aws:iam::111122223333:user/*"])}),
        }
    }
}

const CONDITIONS: [(&str, &str, &str); 26] = [
    ("StringEquals", "k:text", r#"["a", "c"]"#),
    ("StringNotEquals", "k:text", r#"["a", "c"]"#),
    ("StringEqualsIfExists", "K:TEXT", r#""a""#),
    ("StringEqualsIgnoreCase", "k:text", r#""b""#),
    ("StringNotEqualsIgnoreCase", "k:text", r#""b""#),
    ("StringLike", "k:text", r#"["a?", "*B"]"#),
    ("StringNotLike", "k:text", r#""a*""#),
    ("StringEquals", "aws:username", r#""${aws:username}""#),
    ("StringNotEquals", "k:text", r#""${k:none}""#),
    ("StringLike", "aws:username", r#"["${*}", "A*"]"#),
    ("ForAllValues:StringEquals", "k:tags", r#"["a"]"#),
    ("ForAnyValue:StringEquals", "k:tags", r#"["b"]"#),
    ("ForAnyValue:StringNotLike", "k:tags", r#"["a*"]"#),
    ("StringEquals", "k:tags", r#""a""#),
    ("Null", "k:text", r#""true""#),
    ("Null", "k:tags", r#""false""#),
    ("NumericLessThan", "k:number", r#""5""#),
    ("NumericNotEquals", "k:number", r#"["5", "6"]"#),
    ("NumericGreaterThanEqualsIfExists", "k:number", r#""5""#),
    ("Bool", "k:flag", r#""true""#),
    ("BoolIfExists", "k:flag", r#""false""#),
    ("IpAddress", "k:ip", r#"["10.0.0.0/8", "172.16.0.0/12"]"#),
    ("NotIpAddress", "k:ip", r#""10.0.0.0/8""#),
    ("ArnLike", "k:arn", r#""arn:aws:s*:*:*:*""#),
    ("ArnNotEquals", "k:arn", r#""arn:aws:s3:::*""#),
    ("ArnEquals", "k:arn", r#""arn:aws:sns:*:t:u""#),
];

/// The lists of statements of a case.
fn lists(case: &mut Value) -> Vec<&mut Vec<Value>> {
    fn walk<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Vec<Value>>) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, found)),
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    if key != "Statement" {
                        walk(value, found);
                    } else if let Some(statements) = value.as_array_mut() {
                        found.push(statements);
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(case, &mut found);
    found
}

#[test]
fn a_deny_never_allows_an_allow_removed_never_allows_and_order_never_matters() {
    let mut dice = Dice::new(11);
    for _ in 0..4_000 {
        let case = dice.case();
        let before = outcome(&case);
        for i in 0..lists(&mut case.clone()).len() {
            let mut more = case.clone();
            let naming =
                lists(&mut more)[i].iter().any(|s| s.get("Principal").is_some() || s.get("NotPrincipal").is_some());
            let mut deny = dice.statement(naming);
            deny["Effect"] = json!("Deny");
            if naming {
                deny.as_object_mut().expect("statement").remove("NotPrincipal");
                deny["Principal"] = json!("*");
            }
            lists(&mut more)[i].push(deny);
            assert!(before == "Allowed" || outcome(&more) != "Allowed", "a Deny allows: {more:#}");

            let mut fewer = case.clone();
            lists(&mut fewer)[i].retain(|s| s["Effect"] != "Allow");
            assert!(before == "Allowed" || outcome(&fewer) != "Allowed", "removing an Allow allows: {fewer:#}");

            let mut turned = case.clone();
            lists(&mut turned)[i].reverse();
            assert_eq!(outcome(&turned), before, "order matters: {turned:#}");

            let mut twice = case.clone();
            let list = &mut lists(&mut twice)[i];
            list.extend(list.clone());
            assert_eq!(outcome(&twice), before, "a duplicate matters: {twice:#}");
        }
        for part in ["identityPolicies", "permissionBoundaries", "serviceControlPolicies", "vpcEndpointPolicies"] {
            let mut turned = case.clone();
            if let Some(list) = turned.get_mut(part).and_then(Value::as_array_mut) {
                list.reverse();
                assert_eq!(outcome(&turned), before, "order of {part} matters: {turned:#}");
            }
        }
    }
}
