//! What people and their pipelines do: office hours in Japan, some overtime, hardly anything at weekends.

use super::{
    calls::{self, Call},
    event::{Event, Kind, Log},
    identity::{self, Caller},
    people::{Job, PEOPLE, Person, SYSTEMS},
    routine::call,
    stamp,
    world::{DEV, PROD, SECURITY, TOKYO, VIRGINIA},
};
use chrono::{DateTime, Datelike, Duration, Utc, Weekday};

const OFFICE: &str = "192.0.2.10";
const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const COMMAND_LINE: &str =
    "aws-cli/2.31.9 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 cfg/retry-mode#standard";

/// One day of people and pipelines; `midnight` is UTC, which is 9 o'clock in Japan.
pub(crate) fn day(log: &mut Log<'_>, midnight: DateTime<Utc>, scale: f64) {
    let weekend = matches!(midnight.weekday(), Weekday::Sat | Weekday::Sun);
    for person in PEOPLE {
        let sessions = if weekend { 0.08 } else { 3.2 };
        for _ in 0..log.random.about(sessions * scale) {
            session(log, midnight, person);
        }
        if person.legacy_user && !weekend && log.random.chance(scale.min(1.0)) {
            user_session(log, midnight, person);
        }
    }
    for _ in 0..log.random.about(if weekend { 3.0 } else { 34.0 } * scale) {
        deployment(log, midnight);
    }
    for _ in 0..log.random.about(if weekend { 0.0 } else { 12.0 } * scale) {
        legacy_deployment(log, midnight);
    }
    if midnight.weekday() == Weekday::Tue && log.random.chance(scale.min(1.0)) {
        key_rotation(log, midnight);
    }
}

/// A moment of the working day: mostly 9 to 19 o'clock in Japan, one in ten up to 22.
fn working_moment(log: &mut Log<'_>, midnight: DateTime<Utc>) -> DateTime<Utc> {
    let hours = if log.random.chance(0.1) { 13 } else { 10 };
    midnight + Duration::seconds(log.random.below(hours * 3600) as i64)
}

fn address(log: &mut Log<'_>, person: &Person) -> String {
    if log.random.chance(0.65) { OFFICE.to_owned() } else { format!("192.0.2.{}", person.home) }
}

/// Where somebody works, as what, and on what.
fn assignment(log: &mut Log<'_>, job: Job) -> (&'static str, &'static str, &'static [Call<'static>]) {
    let prod = log.random.chance(0.35);
    match job {
        Job::Platform => (if prod { PROD.id } else { DEV.id }, "PlatformEngineer", calls::OPERATIONS),
        Job::Backend if prod => (PROD.id, "ReadOnlyAccess", calls::BROWSING),
        Job::Backend => (DEV.id, "PowerUserAccess", calls::DEVELOPMENT),
        Job::Data => (PROD.id, "DataAnalyst", calls::ANALYSIS),
        Job::Security => (if prod { PROD.id } else { SECURITY.id }, "SecurityAudit", calls::REVIEWING),
        Job::Support => (PROD.id, "SupportUser", calls::SUPPORTING),
    }
}

fn permission_set_role(name: &str, account: &str) -> String {
    let suffix = crate::random::Random::of(0, &["sso", name, account]).hex(16);
    format!("AWSReservedSSO_{name}_{suffix}")
}

/// Somebody comes in through Identity Center and works in the console or on the command line for a while.
fn session(log: &mut Log<'_>, midnight: DateTime<Utc>, person: &Person) {
    let (account, set, chores) = assignment(log, person.job);
    let (mut at, ip) = (working_moment(log, midnight), address(log, person));
    let place = log.world.index(account, TOKYO);
    let name = format!("{}@minato-shokai.example", person.login);
    let role = permission_set_role(set, account);
    let path = "/aws-reserved/sso.amazonaws.com/ap-northeast-1/";
    let console = log.random.chance(0.7);
    federate(log, at, account, &role, path, &name, &ip);
    let json = identity::role(&mut log.random, account, path, &role, &name, at);
    let mut caller = Caller::new(json, &ip, if console { BROWSER } else { COMMAND_LINE });
    if console {
        let more = r#","additionalEventData":{"MobileVersion":"No","MFAUsed":"No"}"#;
        log.push(&Event {
            at: at + Duration::seconds(2),
            place,
            caller: &caller,
            service: "signin",
            name: "ConsoleLogin",
            read_only: false,
            kind: Kind::SignIn,
            request: "null",
            response: r#"{"ConsoleLogin":"Success"}"#,
            error: None,
            more,
        });
    }
    caller.console = console;
    for _ in 0..25 + log.random.below(40) {
        at += Duration::milliseconds(300 + log.random.below(45_000) as i64);
        let table = if log.random.chance(0.55) { chores } else { calls::BROWSING };
        let next = log.random.pick(table);
        // The rights of a role end somewhere, and people find out.
        let refused = log.random.chance(0.004);
        let error = refused.then_some((
            "AccessDenied",
            "User is not authorized to perform this action because no identity-based policy allows it",
        ));
        let place = if log.random.chance(0.06) { log.world.index(account, VIRGINIA) } else { place };
        call(log, at, place, &caller, next, error);
    }
}

/// Identity Center takes the role for the person, with SAML.
fn federate(log: &mut Log<'_>, at: DateTime<Utc>, account: &str, role: &str, path: &str, name: &str, ip: &str) {
    let provider = format!(
        "arn:aws:iam::{account}:saml-provider/AWSSSO_{}_DO_NOT_DELETE",
        crate::random::Random::of(0, &[account]).hex(16)
    );
    let json = format!(
        r#"{{"type":"SAMLUser","principalId":"{}:{name}","userName":"{name}","identityProvider":"{provider}"}}"#,
        crate::random::Random::of(0, &[name]).mixed(27)
    );
    let caller = Caller::new(
        json,
        ip,
        "aws-internal/3 aws-sdk-java/2.28.0 Linux/5.10 OpenJDK_64-Bit_Server_VM/17 vendor/Amazon.com_Inc.",
    );
    let arn = format!("arn:aws:iam::{account}:role{path}{role}");
    let request = format!(
        r#"{{"sAMLAssertionID":"_{}","roleSessionName":"{name}","durationSeconds":28800,"roleArn":"{arn}","principalArn":"{provider}"}}"#,
        log.random.uuid()
    );
    let (id, key, expires) = (identity::unique_id("AROA", &arn), log.random.upper(16), stamp(at + Duration::hours(8)));
    let response = format!(
        r#"{{"subjectType":"persistent","issuer":"https://portal.sso.ap-northeast-1.amazonaws.com/saml/assertion/minato","credentials":{{"accessKeyId":"ASIA{key}","sessionToken":"","expiration":"{expires}"}},"assumedRoleUser":{{"assumedRoleId":"{id}:{name}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{name}"}},"subject":"{name}","audience":"https://signin.aws.amazon.com/saml"}}"#
    );
    let place = log.world.index(account, TOKYO);
    log.push(&Event {
        at: at - Duration::seconds(1),
        place,
        caller: &caller,
        service: "sts",
        name: "AssumeRoleWithSAML",
        read_only: true,
        kind: Kind::Call,
        request: &request,
        response: &response,
        error: None,
        more: "",
    });
}

/// The last IAM users sign in with a password and a second factor.
fn user_session(log: &mut Log<'_>, midnight: DateTime<Utc>, person: &Person) {
    let (mut at, ip) = (working_moment(log, midnight), address(log, person));
    let (place, virginia) = (log.world.index(DEV.id, TOKYO), log.world.index(DEV.id, VIRGINIA));
    let door = Caller::new(identity::user_sign_in(DEV.id, person.login), &ip, BROWSER);
    let device = format!("arn:aws:iam::{}:mfa/{}", DEV.id, person.login);
    let more = format!(
        r#","additionalEventData":{{"LoginTo":"https://console.aws.amazon.com/console/home?region=ap-northeast-1","MobileVersion":"No","MFAIdentifier":"{device}","MFAUsed":"Yes"}}"#
    );
    if log.random.chance(0.06) {
        log.push(&Event {
            at: at - Duration::seconds(25),
            place: virginia,
            caller: &door,
            service: "signin",
            name: "ConsoleLogin",
            read_only: false,
            kind: Kind::SignIn,
            request: "null",
            response: r#"{"ConsoleLogin":"Failure"}"#,
            error: None,
            more: &more.replace("Yes", "No"),
        });
    }
    log.push(&Event {
        at,
        place: virginia,
        caller: &door,
        service: "signin",
        name: "ConsoleLogin",
        read_only: false,
        kind: Kind::SignIn,
        request: "null",
        response: r#"{"ConsoleLogin":"Success"}"#,
        error: None,
        more: &more,
    });
    let mut caller = Caller::new(identity::user_console(&mut log.random, DEV.id, person.login, at), &ip, BROWSER);
    caller.console = true;
    for _ in 0..15 + log.random.below(25) {
        at += Duration::milliseconds(500 + log.random.below(40_000) as i64);
        let next = log.random.pick(calls::BROWSING);
        call(log, at, place, &caller, next, None);
    }
}

/// A pipeline on GitHub Actions deploys one system: into dev by day, into prod less often.
fn deployment(log: &mut Log<'_>, midnight: DateTime<Utc>) {
    let account = if log.random.chance(0.3) { &PROD } else { &DEV };
    let (mut at, place) = (working_moment(log, midnight), log.world.index(account.id, TOKYO));
    let system = log.random.pick(SYSTEMS).name;
    let role = format!("minato-{}-github-deploy", account.env);
    let provider = format!("arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com", account.id);
    let subject = format!("repo:minato-shokai/{system}:environment:{}", account.env);
    let ip = format!("192.0.2.{}", 240 + log.random.below(12));
    let agent = "aws-sdk-nodejs/3.899.0 configure-aws-credentials-for-github-actions ua/2.1 os/linux lang/js";
    let web = format!(
        r#"{{"type":"WebIdentityUser","principalId":"{provider}:sts.amazonaws.com:{subject}","userName":"{subject}","identityProvider":"{provider}"}}"#
    );
    let arn = format!("arn:aws:iam::{}:role/{role}", account.id);
    let id = identity::unique_id("AROA", &arn);
    let request = format!(r#"{{"roleArn":"{arn}","roleSessionName":"GitHubActions","durationSeconds":3600}}"#);
    let (key, expires) = (log.random.upper(16), stamp(at + Duration::hours(1)));
    let response = format!(
        r#"{{"credentials":{{"accessKeyId":"ASIA{key}","sessionToken":"","expiration":"{expires}"}},"subjectFromWebIdentityToken":"{subject}","assumedRoleUser":{{"assumedRoleId":"{id}:GitHubActions","arn":"arn:aws:sts::{}:assumed-role/{role}/GitHubActions"}},"provider":"{provider}","audience":"sts.amazonaws.com"}}"#,
        account.id
    );
    let outside = Caller::new(web, &ip, agent);
    log.push(&Event {
        at,
        place,
        caller: &outside,
        service: "sts",
        name: "AssumeRoleWithWebIdentity",
        read_only: true,
        kind: Kind::Call,
        request: &request,
        response: &response,
        error: None,
        more: "",
    });
    let federation = format!(r#","webIdFederationData":{{"federatedProvider":"{provider}","attributes":{{}}}}"#);
    let json = identity::role_with(&mut log.random, account.id, "/", &role, "GitHubActions", at, &federation, "");
    let caller =
        Caller::new(json, &ip, "aws-cli/2.31.9 ua/2.1 os/linux#6.11.0 exec-env/GitHubActions lang/python#3.13.7");
    for step in calls::DEPLOYMENT {
        at += Duration::milliseconds(400 + log.random.below(9_000) as i64);
        if !log.random.chance(0.15) {
            call(log, at, place, &caller, step, None);
        }
    }
}

/// The old build server still deploys to dev with a user's long-lived key: the key that leaks.
fn legacy_deployment(log: &mut Log<'_>, midnight: DateTime<Utc>) {
    let (mut at, place) = (working_moment(log, midnight), log.world.index(DEV.id, TOKYO));
    let json = identity::user_key(DEV.id, super::flaws::CI_USER);
    let caller = Caller::new(json, "192.0.2.77", "Boto3/1.26.0 Python/3.8.10 Linux/5.4.0-150-generic Botocore/1.29.0");
    for step in calls::DEPLOYMENT.iter().filter(|c| c.service == "cloudformation" || c.service == "lambda") {
        at += Duration::milliseconds(500 + log.random.below(7_000) as i64);
        call(log, at, place, &caller, step, None);
    }
}

/// Somebody renews the key of the accounting system's connection: right, and still worth a look.
fn key_rotation(log: &mut Log<'_>, midnight: DateTime<Utc>) {
    let (at, place) = (midnight + Duration::minutes(95), log.world.index(DEV.id, VIRGINIA));
    let path = "/aws-reserved/sso.amazonaws.com/ap-northeast-1/";
    let role = permission_set_role("PlatformEngineer", DEV.id);
    let json = identity::role(&mut log.random, DEV.id, path, &role, "ito.daisuke@minato-shokai.example", at);
    let caller = Caller::new(json, OFFICE, COMMAND_LINE);
    let user = "svc-keiri-connect";
    let response = format!(
        r#"{{"accessKey":{{"userName":"{user}","accessKeyId":"AKIA{}","status":"Active","createDate":"{}"}}}}"#,
        log.random.upper(16),
        stamp(at)
    );
    log.push(&Event {
        at,
        place,
        caller: &caller,
        service: "iam",
        name: "CreateAccessKey",
        read_only: false,
        kind: Kind::Call,
        request: &format!(r#"{{"userName":"{user}"}}"#),
        response: &response,
        error: None,
        more: "",
    });
    let old = identity::key_id(DEV.id, user);
    log.push(&Event {
        at: at + Duration::minutes(20),
        place,
        caller: &caller,
        service: "iam",
        name: "DeleteAccessKey",
        read_only: false,
        kind: Kind::Call,
        request: &format!(r#"{{"userName":"{user}","accessKeyId":"{old}"}}"#),
        response: "null",
        error: None,
        more: "",
    });
}
