//! How fast to call, and how often to try again: one state for each (account, Region, service).
//!
//! A call waits only after AWS has throttled. From then on a token bucket holds the rate, which falls by half with
//! each throttled answer and grows by a little with each good one (AIMD). Retries are paid from a quota (AWS SDKs'
//! "standard" mode: 500, a retry costs 5, a timed-out one 10, a success after retries pays back), so that an outage is
//! not made worse by everyone's retries.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

const QUOTA: u32 = 500;
const RETRY_COST: u32 = 5;
const TIMEOUT_COST: u32 = 10;
const BURST: f64 = 5.0;
const SLOWEST: f64 = 0.5;
/// Faster than this no limit is held any more.
const FASTEST: f64 = 200.0;

/// Account, Region, service.
type Lane = (String, String, String);

#[derive(Debug, Default)]
pub(crate) struct Pace {
    lanes: Mutex<HashMap<Lane, Arc<Mutex<State>>>>,
}

#[derive(Debug)]
struct State {
    quota: u32,
    /// Calls a second allowed; `None` until the first throttling.
    rate: Option<f64>,
    tokens: f64,
    filled: SystemTime,
    /// Calls that were sent in the current window of time, from which the first limit is measured.
    window: SystemTime,
    sent: u32,
    measured: f64,
}

/// The lane of one call.
#[derive(Clone, Debug)]
pub(crate) struct Lanes(Arc<Mutex<State>>);

impl Pace {
    pub fn lane(&self, account: &str, region: &str, service: &str, now: SystemTime) -> Lanes {
        let key = (account.to_owned(), region.to_owned(), service.to_owned());
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let state = lanes.entry(key).or_insert_with(|| {
            Arc::new(Mutex::new(State {
                quota: QUOTA,
                rate: None,
                tokens: 0.0,
                filled: now,
                window: now,
                sent: 0,
                measured: 0.0,
            }))
        });
        Lanes(Arc::clone(state))
    }
}

impl Lanes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a turn: how long to wait before sending.
    pub fn turn(&self, now: SystemTime) -> Duration {
        let mut state = self.state();
        state.count(now);
        let Some(rate) = state.rate else {
            state.filled = now;
            return Duration::ZERO;
        };
        let passed = now.duration_since(state.filled).unwrap_or_default().as_secs_f64();
        state.tokens = (state.tokens + passed * rate).min(BURST);
        state.filled = now;
        // Going below zero is a place in the queue: whoever comes next waits longer.
        state.tokens -= 1.0;
        if state.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64((-state.tokens / rate).min(60.0)) }
    }

    pub fn throttled(&self) {
        let mut state = self.state();
        let current = state.rate.unwrap_or_else(|| state.measured.clamp(1.0, FASTEST));
        state.rate = Some((current / 2.0).max(SLOWEST));
        state.tokens = state.tokens.min(0.0);
    }

    /// A good answer; `paid` is what its retries cost.
    pub fn succeeded(&self, paid: u32) {
        let mut state = self.state();
        state.quota = (state.quota + paid.max(1)).min(QUOTA);
        if let Some(rate) = state.rate {
            // About one call a second more for each second without throttling.
            let faster = rate + 1.0 / rate.max(1.0);
            state.rate = (faster < FASTEST).then_some(faster);
        }
    }

    /// Pays for a retry; `None` when the quota is used up.
    pub fn pay(&self, timed_out: bool) -> Option<u32> {
        let mut state = self.state();
        let cost = if timed_out { TIMEOUT_COST } else { RETRY_COST };
        state.quota = state.quota.checked_sub(cost)?;
        Some(cost)
    }
}

impl State {
    fn count(&mut self, now: SystemTime) {
        self.sent += 1;
        let passed = now.duration_since(self.window).unwrap_or_default().as_secs_f64();
        if passed >= 1.0 {
            self.measured = f64::from(self.sent) / passed;
            self.window = now;
            self.sent = 0;
        } else {
            self.measured = self.measured.max(f64::from(self.sent));
        }
    }
}

/// Full jitter: anything up to a ceiling that doubles with each attempt.
pub(crate) fn backoff(attempt: u32, throttled: bool, random: u128) -> Duration {
    let base = if throttled { 1.0 } else { 0.1 };
    let ceiling = (base * f64::from(1u32 << attempt.min(10))).min(10.0);
    #[expect(clippy::cast_precision_loss, reason = "32 random bits are exact in a double")]
    let part = (random & 0xffff_ffff) as f64 / f64::from(u32::MAX);
    Duration::from_secs_f64(ceiling * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn nothing_waits_until_throttled_and_then_the_rate_halves_and_recovers() {
        let pace = Pace::default();
        let lane = pace.lane("1", "r", "s", at(0));
        for i in 0..100 {
            assert_eq!(lane.turn(at(i * 10)), Duration::ZERO);
        }
        lane.throttled();
        let waits: Vec<Duration> = (0..3).map(|_| lane.turn(at(1_000))).collect();
        assert!(waits[0] > Duration::ZERO && waits[1] > waits[0] && waits[2] > waits[1], "{waits:?}");
        // About fifty a second: the third in the queue waits three fiftieths.
        assert!(waits[2] < Duration::from_millis(100), "{waits:?}");
        let slow = lane.state().rate.expect("limited");
        for _ in 0..100_000 {
            lane.succeeded(0);
        }
        assert!(slow < 60.0);
        assert_eq!(lane.state().rate, None, "recovered");
        assert_eq!(pace.lane("1", "r", "other", at(0)).turn(at(0)), Duration::ZERO, "lanes are apart");
    }

    #[test]
    fn retries_are_paid_from_a_quota_that_success_refills() {
        let lane = Pace::default().lane("1", "r", "s", at(0));
        let paid = (0..200).filter_map(|_| lane.pay(false)).count();
        assert_eq!(paid, 100);
        assert_eq!(lane.pay(true), None);
        lane.succeeded(10);
        assert_eq!(lane.pay(true), Some(10));
    }

    #[test]
    fn backoff_doubles_and_stays_below_its_cap() {
        assert_eq!(backoff(3, true, 0), Duration::ZERO);
        assert_eq!(backoff(0, true, u128::MAX), Duration::from_secs(1));
        assert_eq!(backoff(2, true, u128::MAX), Duration::from_secs(4));
        assert_eq!(backoff(30, true, u128::MAX), Duration::from_secs(10));
        assert_eq!(backoff(1, false, u128::MAX), Duration::from_millis(200));
    }
}
