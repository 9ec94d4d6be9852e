//! Delivers the notices that the hub's outbox owes: grouped by rule, tried again with growing waits, marked in the
//! transaction that makes the findings *notified*.
//!
//! A message is claimed before it is sent, so that two processes never send it both. From its first attempt on it keeps its
//! findings and its `webhook-id`: a receiver that saw it, though we were killed before we knew, can leave out the
//! repetition, and loses nothing by it.

use crate::{
    Error,
    slack::{self, Notice},
};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use sqlx::Row;
use std::{net::IpAddr, time::Duration as Wait};
use url::{Host, Url};
use yagura_hub::{Catalog, Hub};
use yagura_model::{Finding, Lang, Status};

/// Where notices of one name go.
#[derive(Clone, Debug)]
pub struct Notifier {
    pub name: String,
    /// The webhook's address. It is a secret: errors never show it.
    pub url: String,
    pub lang: Lang,
    pub console: Option<String>,
    /// Addresses inside the own network may be called.
    pub allow_private: bool,
}

/// What a round of deliveries did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    pub sent: usize,
    pub failed: usize,
    /// The last failure, for a person.
    pub error: Option<String>,
}

/// Longest wait between two attempts, in seconds; the first is five.
const LONGEST_WAIT: i64 = 3600;
/// How long a claim holds others off, in seconds: longer than an attempt may take.
const CLAIM: i64 = 60;
/// How long an attempt may take.
const TIMEOUT: Wait = Wait::from_secs(20);

/// Sends everything that is due. Once `stopping` says so, the message under way is finished and no other is begun: to
/// drop one between the receiver's answer and its mark would send it a second time.
///
/// # Errors
/// The database's; a receiver that fails is counted and tried again later.
pub async fn deliver(
    hub: &Hub,
    catalog: &Catalog,
    notifiers: &[Notifier],
    clock: &(dyn Fn() -> DateTime<Utc> + Sync),
    stopping: &(dyn Fn() -> bool + Sync),
) -> Result<Delivery, Error> {
    let mut delivery = Delivery::default();
    for notifier in notifiers {
        while !stopping()
            && let Some((message, owed)) = claim(hub, notifier, clock()).await?
        {
            let mut findings = Vec::new();
            for row in &owed {
                findings.push(hub.finding(&row.finding).await?);
            }
            // Resolved or suppressed before it was told: nobody needs to hear.
            let open: Vec<Finding> =
                findings.into_iter().filter(|f| matches!(f.status, Status::New | Status::Notified)).collect();
            let outcome = if open.is_empty() {
                Ok(())
            } else {
                let topic = catalog.get(&open[0].rule);
                let console = notifier.console.as_deref().map(|c| c.trim_end_matches('/'));
                let body = slack::message(&Notice { findings: &open, topic, lang: notifier.lang, console });
                post(notifier, &body.to_string(), message).await
            };
            match outcome {
                Ok(()) => {
                    delivery.sent += usize::from(!open.is_empty());
                    settle(hub, message, &open, clock()).await?;
                }
                Err(refusal) => {
                    delivery.failed += 1;
                    postpone(hub, notifier, message, owed[0].attempts, &refusal, clock()).await?;
                    delivery.error = Some(refusal.error.to_string());
                    // Down for one message is down for all; asking again at once would only be one more of too many.
                    break;
                }
            }
        }
    }
    Ok(delivery)
}

struct Owed {
    finding: String,
    attempts: i64,
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The next message that is due, with what it tells of, held off from everybody else for a while.
async fn claim(hub: &Hub, notifier: &Notifier, now: DateTime<Utc>) -> Result<Option<(i64, Vec<Owed>)>, Error> {
    let mut tx = hub.state().write().await?;
    let sql = "SELECT o.id AS id, o.message AS message, f.rule AS rule FROM outbox o JOIN findings f ON f.id = o.finding \
               WHERE o.delivered_at IS NULL AND o.notifier = ? AND o.next_attempt_at <= ? ORDER BY o.id LIMIT 1";
    let first = sqlx::query(sql).bind(&notifier.name).bind(stamp(now)).fetch_optional(&mut *tx).await?;
    let Some(first) = first else { return Ok(None) };
    let (id, begun): (i64, Option<i64>) = (first.try_get("id")?, first.try_get("message")?);
    let message = begun.unwrap_or(id);
    if begun.is_none() {
        // All that is new of the rule goes out together.
        sqlx::query(
            "UPDATE outbox SET message = ? WHERE delivered_at IS NULL AND message IS NULL AND notifier = ? AND \
             finding IN (SELECT id FROM findings WHERE rule = ?)",
        )
        .bind(message)
        .bind(&notifier.name)
        .bind(first.try_get::<String, _>("rule")?)
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query("UPDATE outbox SET next_attempt_at = ? WHERE message = ?")
        .bind(stamp(now + Duration::seconds(CLAIM)))
        .bind(message)
        .execute(&mut *tx)
        .await?;
    let rows = sqlx::query("SELECT finding, attempts FROM outbox WHERE message = ? ORDER BY id")
        .bind(message)
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    let owed = rows
        .iter()
        .map(|row| Ok(Owed { finding: row.try_get("finding")?, attempts: row.try_get("attempts")? }))
        .collect::<Result<_, Error>>()?;
    Ok(Some((message, owed)))
}

async fn settle(hub: &Hub, message: i64, told: &[Finding], now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = hub.state().write().await?;
    sqlx::query("UPDATE outbox SET delivered_at = ?, attempts = attempts + 1 WHERE message = ?")
        .bind(stamp(now))
        .bind(message)
        .execute(&mut *tx)
        .await?;
    for finding in told.iter().filter(|f| f.status == Status::New) {
        sqlx::query("UPDATE findings SET status = 'notified' WHERE id = ? AND status = 'new'")
            .bind(&finding.id)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO finding_history (finding, at, what) VALUES (?,?,'notified')")
            .bind(&finding.id)
            .bind(stamp(now))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Waits before the next attempt; everything owed to a receiver that asked for quiet waits as long.
async fn postpone(
    hub: &Hub,
    notifier: &Notifier,
    message: i64,
    attempts: i64,
    refusal: &Refusal,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut tx = hub.state().write().await?;
    let quiet = refusal.quiet.unwrap_or_default().min(24 * 3600);
    let wait = (5i64 << attempts.clamp(0, 10)).min(LONGEST_WAIT).max(quiet);
    sqlx::query("UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ?, last_error = ? WHERE message = ?")
        .bind(stamp(now + Duration::seconds(wait)))
        .bind(refusal.error.to_string())
        .bind(message)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE outbox SET next_attempt_at = MAX(next_attempt_at, ?) WHERE delivered_at IS NULL AND notifier = ?",
    )
    .bind(stamp(now + Duration::seconds(quiet)))
    .bind(&notifier.name)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Why a message did not arrive, and for how many seconds the receiver wants to hear nothing.
struct Refusal {
    error: Error,
    quiet: Option<i64>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal { error, quiet: None }
    }
}

/// Posts a body under the id of its message.
async fn post(notifier: &Notifier, body: &str, message: i64) -> Result<(), Refusal> {
    let fail = |message: String| Error::Notifier { name: notifier.name.clone(), message };
    let url = Url::parse(&notifier.url).map_err(|_| fail("its url is no web address: correct it".to_owned()))?;
    let (host, address) = resolve(notifier, &url).await?;
    // Already installed where AWS was called before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .resolve(&host, address)
        .build()
        .map_err(|e| fail(e.without_url().to_string()))?;
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", format!("yagura-{message}"))
        .body(body.to_owned())
        .send()
        .await
        .map_err(|e| fail(format!("{}: is the receiver up?", e.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let quiet = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.trim().parse().ok());
    let advice = match status.as_u16() {
        429 => "it asks for quiet and is told later",
        500.. => "it is asked again",
        _ => "check the webhook's address",
    };
    Err(Refusal { error: fail(format!("the receiver answered {status}: {advice}")), quiet })
}

/// The one address that is called: every address that the name stands for is checked first, so that a name can't lead
/// into the own network.
async fn resolve(notifier: &Notifier, url: &Url) -> Result<(String, std::net::SocketAddr), Error> {
    let fail = |message: &str| Error::Notifier { name: notifier.name.clone(), message: message.to_owned() };
    if !matches!(url.scheme(), "https" | "http") || (url.scheme() == "http" && !notifier.allow_private) {
        return Err(fail("only https is called; http needs allow_private"));
    }
    let port = url.port_or_known_default().unwrap_or(443);
    let host = url.host().ok_or_else(|| fail("its url names no host"))?.to_owned();
    let addresses: Vec<std::net::SocketAddr> = match &host {
        Host::Ipv4(ip) => vec![(IpAddr::V4(*ip), port).into()],
        Host::Ipv6(ip) => vec![(IpAddr::V6(*ip), port).into()],
        Host::Domain(name) => {
            tokio::net::lookup_host((name.as_str(), port)).await.map_err(|_| fail("its host is not found"))?.collect()
        }
    };
    if !notifier.allow_private && addresses.iter().any(|a| is_inner(a.ip())) {
        return Err(fail("its address lies inside a private network: set allow_private if that is meant"));
    }
    let first = addresses.first().copied().ok_or_else(|| fail("its host has no address"))?;
    Ok((host.to_string(), first))
}

/// What is no public host: loopback, private, link-local (instance metadata), shared, reserved and multicast addresses,
/// also where an IPv6 address only wraps one (mapped, compatible, NAT64, 6to4).
fn is_inner(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19))
        }
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            let wrapped = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_inner(IpAddr::V4([a, b, c, d].into()))
            };
            match segments {
                [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => wrapped(high, low),
                [0x2002, high, low, ..] => wrapped(high, low),
                [first, ..] => {
                    v6.is_multicast()
                        || v6.is_unique_local()
                        || v6.is_unicast_link_local()
                        || first & 0xffc0 == 0xfec0
                        || (first == 0x64 && segments[1] == 0xff9b)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_are_known() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fd00:ec2::254",
            "fe80::1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "fec0::1",
            "198.18.0.1",
            "255.255.255.255",
            "::",
        ] {
            assert!(is_inner(ip.parse().expect("an address")), "{ip}");
        }
        for ip in ["8.8.8.8", "192.0.2.1", "2606:4700::1111", "64:ff9b::808:808"] {
            assert!(!is_inner(ip.parse().expect("an address")), "{ip}");
        }
    }
}
