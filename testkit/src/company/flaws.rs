//! The faults that the story is about, each at a thing with a name. The small ones are strewn by chance
//! ([`super::world`]).

use super::world::{DEV, PROD, SECURITY, Weakness, World};

/// Open to the internet since this week, with members' data in it.
pub(crate) const PUBLIC_BUCKET: &str = "minato-prod-ec-campaign-members";
/// What the attack is after.
pub(crate) const CUSTOMER_BUCKET: &str = "minato-prod-kaiin-customer-data";
/// Remote desktop to the world, on a server that nobody dares to touch.
pub(crate) const RDP_GROUP: &str = "legacy-keiri-windows";
pub(crate) const SSH_GROUP: &str = "tmp-haiso-bastion";
pub(crate) const PUBLIC_DATABASE: &str = "minato-dev-juchu-test";
/// Every action on every resource.
pub(crate) const ADMIN_POLICY: &str = "minato-dev-temporary-all";
/// A role of production that trusts the whole dev account, and the user in dev whose key leaks.
pub(crate) const DEPLOY_ROLE: &str = "minato-prod-cross-deploy";
pub(crate) const CI_USER: &str = "ci-legacy-deploy";
/// What the attacker leaves behind.
pub(crate) const BACKDOOR_USER: &str = "svc-backup-sync";

pub(crate) fn place(world: &mut World) {
    let flaws = [
        (&PROD, "bucket", PUBLIC_BUCKET, Weakness::New),
        (&PROD, "bucket", CUSTOMER_BUCKET, Weakness::None),
        (&PROD, "group", RDP_GROUP, Weakness::Always),
        (&PROD, "group", SSH_GROUP, Weakness::New),
        (&DEV, "database", PUBLIC_DATABASE, Weakness::Always),
        (&DEV, "policy", ADMIN_POLICY, Weakness::Always),
        (&PROD, "role", DEPLOY_ROLE, Weakness::Always),
        (&DEV, "volume", "minato-dev-old-jenkins", Weakness::Always),
        (&PROD, "function", "minato-prod-keiri-invoice-2019", Weakness::Always),
        (&PROD, "key", "minato-prod-keiri-archive", Weakness::Always),
        (&PROD, "volume", "minato-prod-zaiko-migration", Weakness::Fixed),
    ];
    // What the others deliver to.
    for (account, name) in [
        (&SECURITY, "minato-security-cloudtrail"),
        (&SECURITY, "minato-security-flow-logs"),
        (&SECURITY, "minato-security-access-logs"),
        (&PROD, "minato-prod-access-logs"),
        (&PROD, "minato-prod-artifacts"),
        (&DEV, "minato-dev-access-logs"),
        (&DEV, "minato-dev-artifacts"),
    ] {
        world.named(account.id, "bucket", name);
    }
    for (account, kind, name, weakness) in flaws {
        world.named(account.id, kind, name).weakness = weakness;
    }
}
