//! Roles, passwords, access keys and permissions that nobody used for so many days.
//!
//! The kinds are those of IAM Access Analyzer
//! (`docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html`). What would need a value that isn't known
//! becomes an entry that says which.

use super::accessed::{self, Accessed};
use super::call::Call;
use super::logged::{Logged, Service};
use crate::estate::{Estate, Expanded};
use chrono::{DateTime, Duration, Utc};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{Resource, Severity, Text, unknown_reason};

/// Why something isn't known, where no marker says it.
const MISSING: &str = "missing";
const NO_TIME: &str = "no time";
const NOT_READ: &str = "policies that could not be read";
const FORGOTTEN: &str = "AWS remembers 400 days";
const NO_EVENTS: &str = "no events";

/// What was used: of each principal's ARN, the actions with the time of their last use.
pub type Used = BTreeMap<String, BTreeMap<String, String>>;

/// What these calls used; what was denied wasn't.
pub fn used_by<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Used {
    let mut used = Used::new();
    calls.into_iter().for_each(|call| note(&mut used, call));
    used
}

/// Adds what a call used.
pub fn note(used: &mut Used, call: &Call) {
    if call.denied {
        return;
    }
    let last = used.entry(call.principal.clone()).or_default().entry(call.action.clone()).or_default();
    if *last < call.time {
        last.clone_from(&call.time);
    }
}

/// The time that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    pub now: DateTime<Utc>,
    /// Since when of each account what was used is known without a gap; of others nothing is known.
    pub since: &'a BTreeMap<String, DateTime<Utc>>,
    /// What wasn't used for so many days counts as unused.
    pub days: u32,
}

impl Window<'_> {
    fn begin(&self) -> DateTime<Utc> {
        let days = Duration::try_days(i64::from(self.days)).unwrap_or(Duration::MAX);
        self.now.checked_sub_signed(days).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// Actions of one service that a principal may use and didn't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnusedService {
    /// The prefix of its actions.
    pub service: String,
    /// When any of its actions was last used, if ever while the logs tell.
    pub last: Option<String>,
    /// Whether none of its actions was used at all, and the logs could tell of each.
    pub whole: bool,
    /// The actions that weren't used, without the prefix; empty for a whole service.
    pub actions: Vec<String>,
    /// Actions of which the logs can't tell: those of data events that nobody logs, and those that leave no event.
    pub untold: Vec<String>,
}

/// What isn't used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Role,
    Password,
    /// The key's id.
    AccessKey(String),
    Permissions(Vec<UnusedService>),
    /// Nothing can be said, since this isn't known: a property's path, the names of policies, or the logs.
    Unknown(String),
}

/// Something that can go, or of which it isn't known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// The ARN of the user or role.
    pub principal: String,
    pub what: What,
    /// When it was last used, if that is known.
    pub last: Option<String>,
    /// Credentials that last weigh more than what must be assumed first, as in Security Hub's control IAM.8.
    pub severity: Severity,
    pub reason: Text,
}

/// What is known of a time.
enum Time {
    At(DateTime<Utc>),
    Never,
    /// The reason why it isn't known.
    Unknown(String),
}

fn time(value: &Json) -> Time {
    match (value, unknown_reason(value)) {
        (_, Some(reason)) => Time::Unknown(reason.to_owned()),
        (Json::Null, None) => Time::Never,
        (Json::String(text), None) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Time::At(time.to_utc()),
            Err(_) => Time::Unknown(NO_TIME.to_owned()),
        },
        _ => Time::Unknown(NO_TIME.to_owned()),
    }
}

/// What the principals of an inventory have and didn't use, in the inventory's order. Service-linked roles, which only
/// their service can change, and what is only in a template are left out.
pub fn unused(resources: &[Resource], used: &Used, window: &Window<'_>) -> Vec<Unused> {
    let estate = Estate::of(resources, |_| None);
    let mut expanded = Expanded::default();
    let shown = shown(used);
    let mut found = Vec::new();
    for resource in resources.iter().filter(|resource| !resource.source.is_template()) {
        let Some(arn) = resource.arn.as_deref() else { continue };
        let mut of = Of { arn, resource, window, found: &mut found };
        let idle = match &*resource.kind {
            "AWS::IAM::Role" if arn.contains(":role/aws-service-role/") => continue,
            "AWS::IAM::Role" => of.role(used.get(arn)),
            "AWS::IAM::User" => {
                of.credentials();
                false
            }
            _ => continue,
        };
        // Of a role that can go, the permissions go with it.
        if !idle {
            of.permissions(&estate, &mut expanded, used.get(arn), &shown);
        }
    }
    found
}

/// The services of which anybody's data events are logged.
fn shown(used: &Used) -> BTreeSet<&str> {
    let actions = used.values().flat_map(BTreeMap::keys).filter_map(|action| action.split_once(':'));
    actions
        .filter(|(service, name)| Service::of(service).logged(name) == Logged::Data)
        .map(|(service, _)| service)
        .collect()
}

/// One principal.
struct Of<'a> {
    arn: &'a str,
    resource: &'a Resource,
    window: &'a Window<'a>,
    found: &'a mut Vec<Unused>,
}

impl Of<'_> {
    fn tell(&mut self, what: What, last: Option<DateTime<Utc>>, severity: Severity, reason: Text) {
        let last = last.map(stamp);
        self.found.push(Unused { principal: self.arn.to_owned(), what, last, severity, reason });
    }

    fn unknown(&mut self, what: &str, reason: &str) {
        let ja = match reason {
            MISSING => "値がありません",
            NO_TIME => "日時として読み取れません",
            NOT_READ => "読み取れなかったポリシー",
            FORGOTTEN => "AWS の記録は 400 日間のみ",
            NO_EVENTS => "イベントがありません",
            other => other,
        };
        let text = Text::new(
            format!("It isn't known whether it is used: {what} ({reason})"),
            format!("使用状況を判定できません: {what}（{ja}）"),
        );
        self.tell(What::Unknown(what.to_owned()), None, Severity::Informational, text);
    }

    /// Whether something is too young to have gone unused; `true`, too, with an entry, if that isn't known.
    fn is_young(&mut self, value: &Json, what: &str) -> bool {
        match time(value) {
            Time::At(made) => made >= self.window.begin(),
            Time::Never => {
                self.unknown(what, MISSING);
                true
            }
            Time::Unknown(reason) => {
                self.unknown(what, &reason);
                true
            }
        }
    }

    /// Tells of something that was last used before the window began, or never. Whether it did.
    fn judge(
        &mut self,
        used: Time,
        made: (&Json, &str),
        at: &str,
        what: What,
        severity: Severity,
        noun: (&str, &str),
    ) -> bool {
        let (days, begin) = (self.window.days, self.window.begin());
        let last = match used {
            Time::Unknown(reason) => {
                self.unknown(at, &reason);
                return false;
            }
            Time::At(last) if last >= begin => return false,
            Time::At(last) => Some(last),
            Time::Never if self.is_young(made.0, made.1) => return false,
            Time::Never => None,
        };
        let (en, ja) = noun;
        let reason = match last {
            Some(last) => Text::new(
                format!("{en} was last used on {}, more than {days} days ago: remove it", last.format("%Y-%m-%d")),
                format!(
                    "{ja}の最終使用は {} で、{days} 日以上使われていません。削除してください",
                    last.format("%Y-%m-%d")
                ),
            ),
            None => Text::new(
                format!("{en} has not been used for at least {days} days, as far as AWS remembers: remove it"),
                format!("{ja}は、AWS の記録にある限り {days} 日以上使われていません。削除してください"),
            ),
        };
        self.tell(what, last, severity, reason);
        true
    }

    fn role(&mut self, used: Option<&BTreeMap<String, String>>) -> bool {
        let observed = &self.resource.observed;
        let (mut last, made) = (time(&observed["LastUsedDate"]), &observed["CreateDate"]);
        // The logs may know of a later use.
        let seen =
            used.into_iter().flat_map(BTreeMap::values).filter_map(|t| DateTime::parse_from_rfc3339(t).ok()).max();
        if let Some(seen) = seen.map(|seen| seen.to_utc()).filter(|seen| *seen >= self.window.begin()) {
            last = Time::At(seen);
        }
        if matches!(last, Time::Never) && self.window.days > accessed::DAYS {
            self.unknown("observed.LastUsedDate", FORGOTTEN);
            return false;
        }
        let made = (made, "observed.CreateDate");
        self.judge(last, made, "observed.LastUsedDate", What::Role, Severity::Low, ("The role", "このロール"))
    }

    fn credentials(&mut self) {
        let resource = self.resource;
        let observed = &resource.observed;
        match (&observed["PasswordEnabled"], unknown_reason(&observed["PasswordEnabled"])) {
            (_, Some(reason)) => self.unknown("observed.PasswordEnabled", reason),
            (Json::Bool(true), None) => {
                let (last, noun) = (time(&observed["PasswordLastUsed"]), ("The password", "パスワード"));
                let changed = match &observed["PasswordLastChanged"] {
                    Json::Null => (&observed["CreateDate"], "observed.CreateDate"),
                    changed => (changed, "observed.PasswordLastChanged"),
                };
                self.judge(last, changed, "observed.PasswordLastUsed", What::Password, Severity::Medium, noun);
            }
            _ => {}
        }
        let keys = &observed["AccessKeys"];
        if let Some(reason) = unknown_reason(keys) {
            self.unknown("observed.AccessKeys", reason);
        }
        for key in keys.as_array().into_iter().flatten().filter(|key| key["Active"].as_bool() == Some(true)) {
            let id = key["Id"].as_str().unwrap_or_default();
            let noun = (format!("The access key {id}"), format!("アクセスキー {id} "));
            let made = (&key["CreateDate"], "observed.AccessKeys.CreateDate");
            let what = What::AccessKey(id.to_owned());
            let last = time(&key["LastUsedDate"]);
            let at = "observed.AccessKeys.LastUsedDate";
            self.judge(last, made, at, what, Severity::Medium, (&noun.0, &noun.1));
        }
    }

    fn permissions(
        &mut self,
        estate: &Estate,
        expanded: &mut Expanded,
        used: Option<&BTreeMap<String, String>>,
        shown: &BTreeSet<&str>,
    ) {
        let Some(allowed) = estate.allowed(self.arn, expanded) else { return };
        if allowed.actions.is_empty() && allowed.unread.is_empty() {
            return;
        }
        let begin = self.window.begin();
        let remembered = Accessed::of(self.resource);
        let account = self.resource.account.as_deref().unwrap_or_default();
        let is_logged = self.window.since.get(account).is_some_and(|since| *since <= begin);
        match (&remembered, self.window.since.get(account)) {
            _ if is_logged => {}
            (Accessed::Known(_), _) if self.window.days <= accessed::DAYS => {}
            (Accessed::Known(_), _) => return self.unknown("observed.LastAccessed", FORGOTTEN),
            (Accessed::Unknown(reason), _) => return self.unknown("observed.LastAccessed", reason),
            (Accessed::NotAsked, None) => return self.unknown("CloudTrail", NO_EVENTS),
            (Accessed::NotAsked, Some(since)) => {
                let days = (self.window.now - *since).num_days();
                return self.unknown("CloudTrail", &format!("{days} < {} days", self.window.days));
            }
        }
        let observed = &self.resource.observed;
        if self.is_young(&observed["CreateDate"], "observed.CreateDate") {
            return;
        }
        if !allowed.unread.is_empty() {
            self.unknown(&allowed.unread.join(", "), NOT_READ);
        }
        let mut uses: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (action, last) in used.into_iter().flatten() {
            let (service, name) = action.split_once(':').unwrap_or_default();
            uses.entry(service).or_default().push((name, last));
        }
        let mut services: Vec<(Service, UnusedService)> = Vec::new();
        for (service, name) in &allowed.actions {
            let of_it = uses.get(service).map_or(&[][..], Vec::as_slice);
            // What was tried and denied counts there as used; that it wasn't tried is certain.
            let aws = remembered.service(service).filter(|_| self.window.days <= accessed::DAYS);
            if services.last().is_none_or(|(_, last)| last.service != *service) {
                let remembered = aws.and_then(|service| service.last);
                services.push((Service::of(service), of_service(service, of_it, remembered, begin)));
            }
            let Some((table, entry)) = services.last_mut() else { continue };
            // None: AWS can't tell of this action; else whether it was tried since then.
            let tried = aws.and_then(|service| match service.last {
                Some(last) if last >= begin => service.action(name).map(|last| last.is_some_and(|last| last >= begin)),
                _ => Some(false),
            });
            let recent = tried == Some(true) || of_it.iter().any(|(used, last)| used == name && is_after(last, begin));
            let told = tried.is_some()
                || is_logged
                    && match table.logged(name) {
                        Logged::Management => true,
                        Logged::Data => shown.contains(service),
                        Logged::Never => false,
                    };
            match (recent, told) {
                (true, _) => {}
                (false, true) => entry.actions.push((*name).to_owned()),
                (false, false) => entry.untold.push((*name).to_owned()),
            }
        }
        let unused = services.into_iter().map(|(_, service)| service).filter(|s| !s.actions.is_empty());
        let services: Vec<UnusedService> = unused.map(whole).collect();
        if services.is_empty() {
            return;
        }
        let (whole, days) = (services.iter().filter(|s| s.whole).count(), self.window.days);
        let actions: usize = services.iter().filter(|s| !s.whole).map(|s| s.actions.len()).sum();
        let reason = Text::new(
            format!(
                "{whole} services and {actions} actions of others are allowed and weren't used for {days} days: allow only what is used"
            ),
            format!(
                "許可されている {whole} サービスと、他のサービスの {actions} アクションが {days} 日間使われていません。使用しているものだけを許可してください"
            ),
        );
        self.tell(What::Permissions(services), None, Severity::Low, reason);
    }
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn is_after(time: &str, begin: DateTime<Utc>) -> bool {
    // A time that can't be read is taken for a use.
    DateTime::parse_from_rfc3339(time).map_or(true, |time| time.to_utc() >= begin)
}

/// A service before its actions are looked at; `remembered` is when AWS says that it was last tried.
fn of_service(
    service: &str,
    uses: &[(&str, &str)],
    remembered: Option<DateTime<Utc>>,
    begin: DateTime<Utc>,
) -> UnusedService {
    let remembered = remembered.map(stamp);
    let last = uses.iter().map(|(_, last)| *last).chain(remembered.as_deref()).max().map(str::to_owned);
    UnusedService {
        service: service.to_owned(),
        whole: !last.as_deref().is_some_and(|last| is_after(last, begin)),
        last,
        actions: Vec::new(),
        untold: Vec::new(),
    }
}

/// A service of which nothing was used goes as a whole, but for what the logs can't tell.
fn whole(mut service: UnusedService) -> UnusedService {
    service.whole &= service.untold.is_empty();
    if service.whole {
        service.actions.clear();
    }
    service
}
