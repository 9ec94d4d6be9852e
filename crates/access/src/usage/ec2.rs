//! What a call of EC2 was about: its ids tell their type
//! (`docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html`).

use super::form::forms_of;
use super::target::{Place, each_text};
use crate::catalogue::Action;
use serde_json::Value as Json;

/// What ids begin with, and the type in their ARN.
const IDS: [(&str, &str); 29] = [
    ("acl-", "network-acl"),
    ("ami-", "image"),
    ("cgw-", "customer-gateway"),
    ("cr-", "capacity-reservation"),
    ("dopt-", "dhcp-options"),
    ("eigw-", "egress-only-internet-gateway"),
    ("eipalloc-", "elastic-ip"),
    ("eni-", "network-interface"),
    ("fl-", "vpc-flow-log"),
    ("fleet-", "fleet"),
    ("h-", "dedicated-host"),
    ("i-", "instance"),
    ("igw-", "internet-gateway"),
    ("lt-", "launch-template"),
    ("nat-", "natgateway"),
    ("pcx-", "vpc-peering-connection"),
    ("pl-", "prefix-list"),
    ("rtb-", "route-table"),
    ("sg-", "security-group"),
    ("sgr-", "security-group-rule"),
    ("sir-", "spot-instances-request"),
    ("snap-", "snapshot"),
    ("subnet-", "subnet"),
    ("tgw-", "transit-gateway"),
    ("tgw-attach-", "transit-gateway-attachment"),
    ("vgw-", "vpn-gateway"),
    ("vol-", "volume"),
    ("vpc-", "vpc"),
    ("vpce-", "vpc-endpoint"),
];

/// Types whose ARNs name no account, since they may be another's.
const NOBODYS: [&str; 2] = ["image", "snapshot"];
/// Types that the account may be given to use by another, which their ARNs then name.
const SHARED: [&str; 6] = ["capacity-reservation", "prefix-list", "security-group", "subnet", "transit-gateway", "vpc"];
/// What a new instance comes with.
const LAUNCHED: [&str; 3] = ["instance", "network-interface", "volume"];

/// Adds the ARNs that the ids among the parameters stand for, and of what is made, which AWS asks for before it has an
/// id, the pattern `TYPE/*`.
pub fn named(action: &Action, event: &str, parameters: &Json, place: Place<'_>, found: &mut Vec<Option<String>>) {
    let mut ids = Vec::new();
    each_text(parameters, &mut |_, text| ids.extend(of_id(text).map(|kind| (kind, text))));
    for (kind, id) in ids {
        found.push(place.arn(&format!("ec2:{{R}}:{}:{kind}/{id}", owner(kind))));
    }
    if let Some(group) = super::target::text(parameters, "keyName").filter(|name| super::arn::is_plain_name(name)) {
        found.push(place.arn(&format!("ec2:{{R}}:{{A}}:key-pair/{group}")));
    }
    // What a launch template or the account's defaults add isn't told.
    let has = |kind: &str| found.iter().flatten().any(|arn| arn.contains(&format!(":{kind}/")));
    if event == "RunInstances" && (has("launch-template") || !(has("subnet") || has("network-interface"))) {
        found.push(None);
    }
    for (form, _) in forms_of(action) {
        let kind = form.rest.split('/').next().unwrap_or_default();
        let made = event.strip_prefix("Create").is_some_and(|made| made.eq_ignore_ascii_case(&kind.replace('-', "")));
        if made || (event == "RunInstances" && LAUNCHED.contains(&kind)) {
            let owner = if NOBODYS.contains(&kind) { "" } else { "{A}" };
            found.push(place.arn(&format!("ec2:{{R}}:{owner}:{kind}/*")));
        }
    }
}

fn owner(kind: &str) -> &'static str {
    match kind {
        _ if NOBODYS.contains(&kind) => "",
        _ if SHARED.contains(&kind) => "*",
        _ => "{A}",
    }
}

/// The type of an id.
fn of_id(text: &str) -> Option<&'static str> {
    let cut = text.rfind('-')? + 1;
    let digits = &text[cut..];
    let is_id = (digits.len() == 8 || digits.len() == 17) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let kind = IDS.binary_search_by_key(&&text[..cut], |(begin, _)| begin).ok().map(|at| IDS[at].1);
    kind.filter(|_| is_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn ids_are_of_types_that_the_catalogue_has() {
        assert!(IDS.is_sorted_by_key(|(begin, _)| begin));
        let types: Vec<String> = catalogue::types_of("ec2").iter().map(catalogue::Taken::arn).collect();
        for (begin, kind) in IDS {
            assert!(types.iter().any(|arn| arn.contains(&format!(":{kind}/"))), "{begin}: {kind}");
        }
    }
}
