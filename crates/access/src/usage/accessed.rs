//! What AWS itself remembers of a principal's uses: of each service that its policies allow, when it was last tried, and of
//! the actions that AWS tracks in it
//! (`docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html`).

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use yagura_model::{Resource, member, unknown_within};

/// AWS keeps this for 400 days.
pub(super) const DAYS: u32 = 400;

/// When something was last tried; `None`: not as long as AWS remembers.
type Last = Option<DateTime<Utc>>;

/// Of a principal.
#[derive(Debug)]
pub(super) enum Accessed {
    /// Nobody asked AWS.
    NotAsked,
    /// Why it is not known.
    Unknown(String),
    /// By the services' prefixes.
    Known(BTreeMap<String, Service>),
}

/// Of a service.
#[derive(Debug)]
pub(super) struct Service {
    pub last: Last,
    /// The actions that AWS tracks; of a service that was never tried none is listed.
    actions: BTreeMap<String, Last>,
}

impl Accessed {
    pub fn of(resource: &Resource) -> Accessed {
        let told = member(&resource.observed, "LastAccessed");
        if let Some(reason) = unknown_within(told) {
            return Accessed::Unknown(reason.to_owned());
        }
        if told["Asked"] != Json::Bool(true) {
            return Accessed::NotAsked;
        }
        let Some(services) = told["Services"].as_array() else {
            return Accessed::Unknown("iam:GetServiceLastAccessedDetails".to_owned());
        };
        let read = services.iter().map(|service| {
            let actions = service["Actions"].as_array().into_iter().flatten();
            let actions = actions.map(|action| Some((action["Name"].as_str()?.to_owned(), time(&action["Date"])?)));
            let (name, last) = (service["Service"].as_str()?, time(&service["Date"])?);
            Some((name.to_owned(), Service { last, actions: actions.collect::<Option<_>>()? }))
        });
        match read.collect() {
            Some(services) => Accessed::Known(services),
            None => Accessed::Unknown("iam:GetServiceLastAccessedDetails".to_owned()),
        }
    }

    pub fn service(&self, prefix: &str) -> Option<&Service> {
        match self {
            Accessed::Known(services) => services.get(prefix),
            Accessed::NotAsked | Accessed::Unknown(_) => None,
        }
    }
}

impl Service {
    /// When an action was last tried; `None` if AWS doesn't track it.
    pub fn action(&self, name: &str) -> Option<Last> {
        match self.last {
            None => Some(None),
            Some(_) => self.actions.get(name).copied(),
        }
    }
}

/// `None` for what is no time.
fn time(value: &Json) -> Option<Last> {
    match value {
        Json::Null => Some(None),
        Json::String(text) => Some(Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())),
        _ => None,
    }
}
