//! Who can read or write an S3 bucket from outside: bucket policy and ACL, after the block-public-access settings of
//! the bucket and of its account have taken away what they take away.
//!
//! What AWS Config's rules s3-bucket-public-{read,write}-prohibited (Security Hub S3.2, S3.3) look at, with the account's
//! block on top, since S3 applies the most restrictive of the two.

use crate::{
    known::{Known, failed, missing},
    policy,
    rule::Val,
    world::{Because, Fact, World, elements},
};
use serde_json::Value;
use yagura_model::{ACCOUNT_TYPE, Resource};

pub const KIND: &str = "AWS::S3::Bucket";

/// One direction of access: what grants it.
pub struct Access {
    /// Actions in lower case, as patterns.
    actions: &'static [&'static str],
    permissions: &'static [&'static str],
    /// Canned ACLs, without `-` and in lower case.
    canned: &'static [&'static str],
}

pub const READ: Access = Access {
    actions: &["s3:get*", "s3:list*"],
    permissions: &["READ", "READ_ACP", "FULL_CONTROL"],
    canned: &["publicread", "publicreadwrite", "authenticatedread"],
};
pub const WRITE: Access = Access {
    actions: &["s3:put*", "s3:delete*", "s3:abortmultipartupload", "s3:restoreobject", "s3:replicate*"],
    permissions: &["WRITE", "WRITE_ACP", "FULL_CONTROL"],
    canned: &["publicreadwrite"],
};

/// The groups that stand for everyone, and for everyone with an AWS account.
const PUBLIC_GROUPS: [&str; 2] = ["/global/AllUsers", "/global/AuthenticatedUsers"];

/// Whether anyone has `access` to the bucket.
pub fn public(world: &World<'_>, thing: u32, bucket: &Resource, access: &Access) -> Fact {
    let (properties, observed) = (&bucket.properties, &bucket.observed);
    let mut because = Because::new();
    if let Val::Unknown(reasons) = Val::of(properties) {
        return Fact { truth: Known::Unknown(reasons), because };
    }
    let blocked = |flag: &str| blocked(world, thing, properties, flag);
    let by_policy = match by_policy(properties, observed, access, &mut because) {
        Known::No => Known::No,
        granted => granted.and(blocked("RestrictPublicBuckets").negate()),
    };
    let by_acl = match by_acl(properties, observed, access, &mut because) {
        Known::No => Known::No,
        granted => granted.and(blocked("IgnorePublicAcls").negate()),
    };
    let truth = by_policy.or(by_acl);
    if !truth.is_yes() {
        because.clear();
    }
    Fact { truth, because }
}

fn blocked(world: &World<'_>, thing: u32, properties: &Value, flag: &str) -> Known {
    let own = flag_at(properties.get("PublicAccessBlockConfiguration"), flag);
    let accounts = world.related(thing, ACCOUNT_TYPE, false);
    accounts
        .iter()
        .map(|read| match &read.val {
            Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
            Val::Thing(account) => {
                let observed = &world.thing(*account).resource.observed;
                match yagura_model::unknown_reason(observed) {
                    Some(reason) => Known::Unknown(missing(reason)),
                    None => flag_at(observed.get("S3PublicAccessBlock"), flag),
                }
            }
            _ => Known::No,
        })
        .fold(own, Known::or)
}

fn flag_at(settings: Option<&Value>, flag: &str) -> Known {
    let Some(settings) = settings else { return Known::No };
    match Val::of(settings) {
        Val::Unknown(reasons) => Known::Unknown(reasons),
        _ => match settings.get(flag).map(Val::of) {
            Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
            Some(Val::Bool(on)) => Known::of(on),
            _ => Known::No,
        },
    }
}

/// What the policy grants, by S3's own word where it was asked and by the same rule where not.
fn by_policy(properties: &Value, observed: &Value, access: &Access, because: &mut Because) -> Known {
    let policy = match properties.get("PolicyDocument").map(Val::of) {
        None | Some(Val::Null) => return Known::No,
        Some(policy) => policy,
    };
    let status = observed.get("PolicyStatus").unwrap_or(observed);
    let said = match yagura_model::unknown_reason(status) {
        Some(reason) => Some(Known::Unknown(missing(reason))),
        None => match status.get("IsPublic").map(Val::of) {
            Some(Val::Bool(public)) => Some(Known::of(public)),
            Some(Val::Unknown(reasons)) => Some(Known::Unknown(reasons)),
            _ => None,
        },
    };
    if said == Some(Known::No) {
        return Known::No;
    }
    let Val::Object(map) = policy else { return policy::is_public(&policy) };
    let (mut granted, mut named) = (Known::No, Known::No);
    for (i, statement) in policy::raw_statements(map).into_iter().enumerate() {
        let everyone = policy::grants_public(statement);
        named = named.or(everyone.clone());
        let mut public = everyone.and(reaches(statement, access));
        // S3 said that something here is public: then a condition that looks like a limit is none.
        if said != Some(Known::Yes) {
            public = public.and(policy::limited(statement).negate());
        }
        if public.is_yes() {
            because.push((format!("resource.PolicyDocument.Statement[{i}]"), statement.clone()));
        }
        granted = granted.or(public);
    }
    match said {
        Some(unknown @ Known::Unknown(_)) => unknown,
        Some(Known::Yes) if !named.is_yes() => named.and(granted).or(Known::Unknown(failed(
            "Amazon S3 calls the policy public, and no statement says why",
            "Amazon S3 はポリシーを公開と判定していますが、その原因となるステートメントが見つかりません",
        ))),
        _ => granted,
    }
}

/// Whether a statement's actions take in one of `access`.
fn reaches(statement: &Value, access: &Access) -> Known {
    if let Some(actions) = statement.get("Action") {
        return any_string(actions, &|action| access.actions.iter().any(|a| policy::overlap(action, a)));
    }
    let Some(excluded) = statement.get("NotAction") else {
        return yagura_model::unknown_reason(statement).map_or(Known::No, |reason| Known::Unknown(missing(reason)));
    };
    // Every action but these: some of the class is left unless each of its patterns is taken out as a whole.
    access
        .actions
        .iter()
        .map(|class| any_string(excluded, &|pattern| policy::glob(pattern, class)).negate())
        .fold(Known::No, Known::or)
}

fn any_string(value: &Value, test: &dyn Fn(&str) -> bool) -> Known {
    let one = |val: Val<'_>| match val {
        Val::Unknown(reasons) => Known::Unknown(reasons),
        val => Known::of(val.as_str().is_some_and(|s| test(&s.to_ascii_lowercase()))),
    };
    match Val::of(value) {
        list @ Val::Array(_) => elements(&list).into_iter().map(one).fold(Known::No, Known::or),
        val => one(val),
    }
}

/// What the ACL grants: the grants that were read, else the canned ACL of a template. Ownership "bucket owner enforced"
/// turns ACLs off.
fn by_acl(properties: &Value, observed: &Value, access: &Access, because: &mut Because) -> Known {
    let granted = match observed.get("Acl").map(Val::of) {
        Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
        Some(Val::Object(map)) if map.contains_key("Grants") => by_grants(&map["Grants"], access, because),
        _ => match Val::of(observed) {
            Val::Unknown(reasons) => Known::Unknown(reasons),
            // A bucket that was looked at has an ACL: it was not read.
            Val::Object(_) if !named(properties) => Known::Unknown(missing("s3:GetBucketAcl")),
            _ => by_canned(properties, access, because),
        },
    };
    match granted {
        Known::No => Known::No,
        granted => granted.and(owner_enforced(properties).negate()),
    }
}

fn by_grants(grants: &Value, access: &Access, because: &mut Because) -> Known {
    let grants = match Val::of(grants) {
        Val::Unknown(reasons) => return Known::Unknown(reasons),
        list => elements(&list),
    };
    let mut result = Known::No;
    for (i, grant) in grants.into_iter().enumerate() {
        let grantee = field(&grant, "Grantee").and_then(|g| field(&g, "URI"));
        let everyone = test(grantee, &|uri| PUBLIC_GROUPS.iter().any(|group| uri.ends_with(group)));
        let permission = test(field(&grant, "Permission"), &|p| access.permissions.contains(&p));
        let public = everyone.and(permission);
        if public.is_yes() {
            because.push((format!("observed.Acl.Grants[{i}]"), grant.to_json()));
        }
        result = result.or(public);
    }
    result
}

fn named(properties: &Value) -> bool {
    properties.get("AccessControl").is_some_and(|acl| !acl.is_null())
}

fn by_canned(properties: &Value, access: &Access, because: &mut Because) -> Known {
    let Some(value) = properties.get("AccessControl") else { return Known::No };
    let granted = any_string(value, &|name| access.canned.contains(&name.replace('-', "").as_str()));
    if granted.is_yes() {
        because.push(("resource.AccessControl".to_owned(), value.clone()));
    }
    granted
}

fn owner_enforced(properties: &Value) -> Known {
    let rules = match properties.get("OwnershipControls").map(Val::of) {
        Some(Val::Unknown(reasons)) => return Known::Unknown(reasons),
        Some(controls) => field(&controls, "Rules"),
        None => None,
    };
    match rules {
        Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
        Some(rules) => elements(&rules)
            .iter()
            .map(|rule| test(field(rule, "ObjectOwnership"), &|o| o == "BucketOwnerEnforced"))
            .fold(Known::No, Known::or),
        None => Known::No,
    }
}

/// A field of an object; unknown inside an unknown.
fn field<'a>(val: &Val<'a>, name: &str) -> Option<Val<'a>> {
    match val {
        Val::Unknown(_) => Some(val.clone()),
        val => val.key(name),
    }
}

fn test(val: Option<Val<'_>>, test: &dyn Fn(&str) -> bool) -> Known {
    match val {
        Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
        Some(val) => Known::of(val.as_str().is_some_and(test)),
        None => Known::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Evidence;
    use serde_json::json;
    use yagura_model::{Gap, Inventory, Source};

    fn resource(kind: &str, properties: Value, observed: Value) -> Resource {
        Resource {
            kind: kind.to_owned(),
            id: "x".to_owned(),
            arn: None,
            account: Some("111122223333".to_owned()),
            region: Some("us-east-1".to_owned()),
            tags: Default::default(),
            properties,
            observed,
            relations: Vec::new(),
            source: Source::Live,
            origin: None,
        }
    }

    fn read_and_write(inventory: &Inventory) -> (Known, Known) {
        let world = World::new(Evidence { inventory, now: chrono::DateTime::UNIX_EPOCH, settings: None }, None);
        let truth = |name| world.fact(0, name).expect("fact").truth.clone();
        (truth("public_read"), truth("public_write"))
    }

    /// With an ACL that only names the owner, unless the test has one.
    fn alone(properties: Value, mut observed: Value) -> (Known, Known) {
        if let Value::Object(map) = &mut observed {
            map.entry("Acl").or_insert(json!({"Grants": []}));
        }
        read_and_write(&Inventory { resources: vec![resource(KIND, properties, observed)], gaps: vec![] })
    }

    fn allow(action: &str) -> Value {
        json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}]})
    }

    #[test]
    fn policies_open_the_direction_of_their_actions() {
        assert_eq!(alone(json!({"PolicyDocument": allow("s3:GetObject")}), json!({})), (Known::Yes, Known::No));
        assert_eq!(alone(json!({"PolicyDocument": allow("s3:PutObject")}), json!({})), (Known::No, Known::Yes));
        assert_eq!(alone(json!({"PolicyDocument": allow("s3:*")}), json!({})), (Known::Yes, Known::Yes));
        assert_eq!(alone(json!({}), json!({})), (Known::No, Known::No));
    }

    #[test]
    fn acls_count_until_they_are_ignored_or_off() {
        let grant = json!({"Acl": {"Grants": [{"Permission": "READ",
            "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}}]}});
        assert_eq!(alone(json!({}), grant.clone()), (Known::Yes, Known::No));
        let ignored = json!({"PublicAccessBlockConfiguration": {"IgnorePublicAcls": true}});
        assert_eq!(alone(ignored, grant.clone()), (Known::No, Known::No));
        let off = json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}});
        assert_eq!(alone(off, grant), (Known::No, Known::No));
        assert_eq!(alone(json!({"AccessControl": "PublicReadWrite"}), Value::Null), (Known::Yes, Known::Yes));
        assert_eq!(alone(json!({"AccessControl": "public-read"}), Value::Null), (Known::Yes, Known::No));
    }

    #[test]
    fn an_acl_that_was_not_read_is_unknown() {
        let bucket = resource(KIND, json!({}), json!({}));
        let unknown = Known::Unknown(missing("s3:GetBucketAcl"));
        let both = read_and_write(&Inventory { resources: vec![bucket], gaps: vec![] });
        assert_eq!(both, (unknown.clone(), unknown));
        assert_eq!(alone(json!({}), Value::Null), (Known::No, Known::No));
    }

    #[test]
    fn the_accounts_block_counts_and_a_denied_one_is_unknown() {
        let bucket =
            || resource(KIND, json!({"PolicyDocument": allow("s3:GetObject")}), json!({"Acl": {"Grants": []}}));
        let account = |block: Value| resource(ACCOUNT_TYPE, json!({}), json!({"S3PublicAccessBlock": block}));
        let with = |block| Inventory { resources: vec![bucket(), account(block)], gaps: vec![] };
        assert_eq!(read_and_write(&with(json!({"RestrictPublicBuckets": true}))).0, Known::No);
        assert_eq!(read_and_write(&with(json!(null))).0, Known::Yes);
        let denied = yagura_model::unknown("s3:GetAccountPublicAccessBlock");
        assert_eq!(read_and_write(&with(denied)).0, Known::Unknown(missing("s3:GetAccountPublicAccessBlock")));
        let gap = Gap {
            kind: ACCOUNT_TYPE.to_owned(),
            account: Some("111122223333".to_owned()),
            region: None,
            action: "iam:GetAccountSummary".to_owned(),
            reason: "AccessDenied".to_owned(),
        };
        let blind = Inventory { resources: vec![bucket()], gaps: vec![gap] };
        assert_eq!(read_and_write(&blind), (Known::Unknown(missing("iam:GetAccountSummary")), Known::No));
    }

    #[test]
    fn what_s3_says_of_the_policy_wins() {
        let policy = json!({"PolicyDocument": allow("s3:GetObject")});
        assert_eq!(alone(policy.clone(), json!({"PolicyStatus": {"IsPublic": false}})).0, Known::No);
        let wider = json!({"PolicyDocument": {"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"},
            "Action": "s3:GetObject"}}});
        assert!(matches!(alone(wider, json!({"PolicyStatus": {"IsPublic": true}})).0, Known::Unknown(_)));
        let denied = json!({"PolicyStatus": yagura_model::unknown("s3:GetBucketPolicyStatus")});
        assert_eq!(alone(policy, denied).0, Known::Unknown(missing("s3:GetBucketPolicyStatus")));
    }
}
