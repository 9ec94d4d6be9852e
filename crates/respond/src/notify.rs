//! Delivers the notices that the hub's outbox owes: grouped by rule, tried again with growing waits, marked in the
//! transaction that makes the findings *notified*.

use crate::{
    Error,
    slack::{self, Notice},
};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use sqlx::Row;
use std::{collections::BTreeMap, net::IpAddr, time::Duration as Wait};
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

/// Longest wait between two attempts; the first is five seconds.
const LONGEST_WAIT: i64 = 3600;

/// Sends everything that is due by `now`.
///
/// # Errors
/// The database's; a receiver that fails is counted and tried again later.
pub async fn deliver(
    hub: &Hub,
    catalog: &Catalog,
    notifiers: &[Notifier],
    now: DateTime<Utc>,
) -> Result<Delivery, Error> {
    let mut delivery = Delivery::default();
    for notifier in notifiers {
        for (rule, owed) in owed(hub, notifier, now).await? {
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
                let topic = catalog.get(&rule);
                let console = notifier.console.as_deref().map(|c| c.trim_end_matches('/'));
                let body = slack::message(&Notice { findings: &open, topic, lang: notifier.lang, console });
                post(notifier, &body.to_string(), owed[0].id).await
            };
            match outcome {
                Ok(()) => {
                    delivery.sent += usize::from(!open.is_empty());
                    settle(hub, &owed, &open, now).await?;
                }
                Err(error) => {
                    delivery.failed += 1;
                    postpone(hub, &owed, &error, now).await?;
                    delivery.error = Some(error.to_string());
                }
            }
        }
    }
    Ok(delivery)
}

struct Owed {
    id: i64,
    finding: String,
    attempts: i64,
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn owed(hub: &Hub, notifier: &Notifier, now: DateTime<Utc>) -> Result<BTreeMap<String, Vec<Owed>>, Error> {
    let sql = "SELECT o.id AS id, o.finding AS finding, o.attempts AS attempts, f.rule AS rule FROM outbox o \
               JOIN findings f ON f.id = o.finding WHERE o.delivered_at IS NULL AND o.notifier = ? \
               AND o.next_attempt_at <= ? ORDER BY o.id LIMIT 5000";
    let rows = sqlx::query(sql).bind(&notifier.name).bind(stamp(now)).fetch_all(hub.state().pool()).await?;
    let mut groups: BTreeMap<String, Vec<Owed>> = BTreeMap::new();
    for row in rows {
        let owed =
            Owed { id: row.try_get("id")?, finding: row.try_get("finding")?, attempts: row.try_get("attempts")? };
        groups.entry(row.try_get("rule")?).or_default().push(owed);
    }
    Ok(groups)
}

async fn settle(hub: &Hub, owed: &[Owed], told: &[Finding], now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = hub.state().write().await?;
    for row in owed {
        sqlx::query("UPDATE outbox SET delivered_at = ?, attempts = attempts + 1 WHERE id = ?")
            .bind(stamp(now))
            .bind(row.id)
            .execute(&mut *tx)
            .await?;
    }
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

async fn postpone(hub: &Hub, owed: &[Owed], error: &Error, now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = hub.state().write().await?;
    for row in owed {
        let wait = (5i64 << row.attempts.clamp(0, 10)).min(LONGEST_WAIT);
        sqlx::query("UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ?, last_error = ? WHERE id = ?")
            .bind(stamp(now + Duration::seconds(wait)))
            .bind(error.to_string())
            .bind(row.id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Posts a body. `id` lets a receiver that saw the request, though we didn't see its answer, leave out the repetition.
async fn post(notifier: &Notifier, body: &str, id: i64) -> Result<(), Error> {
    let fail = |message: String| Error::Notifier { name: notifier.name.clone(), message };
    let url = Url::parse(&notifier.url).map_err(|_| fail("its url is no web address: correct it".to_owned()))?;
    let (host, address) = resolve(notifier, &url).await?;
    // Already installed where AWS was called before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Wait::from_secs(20))
        .resolve(&host, address)
        .build()
        .map_err(|e| fail(e.without_url().to_string()))?;
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", format!("yagura-{id}"))
        .body(body.to_owned())
        .send()
        .await
        .map_err(|e| fail(format!("{}: is the receiver up?", e.without_url())))?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(fail(format!("the receiver answered {}: check the webhook's address", answer.status())))
    }
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

/// Loopback, private, link-local (instance metadata), shared, multicast and the like.
fn is_inner(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            v6.to_ipv4_mapped().is_some_and(|v4| is_inner(IpAddr::V4(v4)))
                || v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
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
        ] {
            assert!(is_inner(ip.parse().expect("an address")), "{ip}");
        }
        for ip in ["8.8.8.8", "2606:4700::1111"] {
            assert!(!is_inner(ip.parse().expect("an address")), "{ip}");
        }
    }
}
