//! One CloudTrail record, and the day's log it goes into.

use super::{identity::Caller, stamp, world::World};
use crate::random::Random;
use chrono::{DateTime, Utc};
use std::fmt::Write;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    /// Reads or writes an object, not the bucket.
    Data,
    SignIn,
    ServiceEvent,
}

/// What is recorded. `request`, `response` and `more` are JSON; `more` begins with a comma.
pub(crate) struct Event<'a> {
    pub at: DateTime<Utc>,
    /// Index into [`World::places`].
    pub place: usize,
    pub caller: &'a Caller,
    pub service: &'a str,
    pub name: &'a str,
    pub read_only: bool,
    pub kind: Kind,
    pub request: &'a str,
    pub response: &'a str,
    pub error: Option<(&'a str, &'a str)>,
    pub more: &'a str,
}

/// Records in one buffer, so that a day of them costs one growing allocation.
pub(crate) struct Log<'w> {
    pub world: &'w World,
    pub random: Random,
    text: String,
    pub records: Vec<Record>,
}

pub(crate) struct Record {
    pub at: DateTime<Utc>,
    pub place: usize,
    range: std::ops::Range<usize>,
}

const VERSIONS: [&str; 4] = ["1.11", "1.11", "1.10", "1.09"];

impl<'w> Log<'w> {
    pub fn new(world: &'w World, random: Random) -> Self {
        Self { world, random, text: String::new(), records: Vec::new() }
    }

    pub fn json(&self, record: &Record) -> &str {
        &self.text[record.range.clone()]
    }

    /// Adds a record and returns its `eventID`.
    pub fn push(&mut self, event: &Event<'_>) -> String {
        let start = self.text.len();
        let id = self.random.uuid();
        // Writing to a string doesn't fail.
        let _ = self.write(event, &id);
        self.records.push(Record { at: event.at, place: event.place, range: start..self.text.len() });
        id
    }

    fn write(&mut self, event: &Event<'_>, id: &str) -> std::fmt::Result {
        let (out, random, place) = (&mut self.text, &mut self.random, &self.world.places[event.place]);
        let Caller { json, ip, agent, console } = event.caller;
        let version = random.pick(&VERSIONS);
        let (at, service, name, region) = (stamp(event.at), event.service, event.name, place.region);
        write!(
            out,
            r#"{{"eventVersion":"{version}","userIdentity":{json},"eventTime":"{at}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"{ip}","userAgent":"{agent}","#
        )?;
        if let Some((code, message)) = event.error {
            write!(out, r#""errorCode":"{code}","errorMessage":"{message}","#)?;
        }
        let (request, response, more) = (event.request, event.response, event.more);
        write!(out, r#""requestParameters":{request},"responseElements":{response}{more},"#)?;
        if event.kind != Kind::ServiceEvent {
            write!(out, r#""requestID":"{}","#, random.uuid())?;
        }
        let (read_only, account) = (event.read_only, place.account.id);
        let (kind, management, category) = match event.kind {
            Kind::Call => ("AwsApiCall", true, "Management"),
            Kind::Data => ("AwsApiCall", false, "Data"),
            Kind::SignIn => ("AwsConsoleSignIn", true, "Management"),
            Kind::ServiceEvent => ("AwsServiceEvent", true, "Management"),
        };
        write!(
            out,
            r#""eventID":"{id}","readOnly":{read_only},"eventType":"{kind}","managementEvent":{management},"recipientAccountId":"{account}","eventCategory":"{category}""#
        )?;
        if event.kind != Kind::ServiceEvent && ip.starts_with(|c: char| c.is_ascii_digit()) {
            write!(
                out,
                r#","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{service}.{region}.amazonaws.com"}}"#
            )?;
        }
        if *console {
            out.push_str(r#","sessionCredentialFromConsole":"true""#);
        }
        out.push('}');
        Ok(())
    }
}
