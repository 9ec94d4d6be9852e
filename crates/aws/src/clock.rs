//! Time and chance, passed in, so that tests of retries neither sleep nor depend on luck.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

/// Where a client takes the time, its waits and its randomness from.
pub trait Clock: Send + Sync {
    fn now(&self) -> SystemTime;
    fn sleep<'a>(&'a self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
    /// 128 random bits: jitter and idempotency tokens.
    fn random(&self) -> u128;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep<'a>(&'a self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(tokio::time::sleep(time))
    }

    fn random(&self) -> u128 {
        uuid::Uuid::new_v4().as_u128()
    }
}
