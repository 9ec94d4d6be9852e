//! Whose credentials sign a call: the caller's own, or a role's in another account.

use crate::Clock;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::Mutex;

/// Credentials are renewed this long before they expire.
const MARGIN: Duration = Duration::from_secs(120);
/// A failure is remembered this long: asking the instance metadata in vain takes seconds, for each call anew.
const REMEMBER_FAILURE: Duration = Duration::from_secs(60);

/// The role to take on in the accounts that calls name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name, with path if it has one: `yagura-audit`, `security/yagura-audit`. The same in every account.
    pub name: String,
    pub external_id: Option<String>,
    /// Shown in the other account's CloudTrail.
    pub session_name: String,
    /// Taken on in the caller's own account, too, when a call names that.
    pub own_account: bool,
}

/// Credentials that are kept until they expire or AWS refuses them.
pub(crate) struct Kept {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    good: Option<Credentials>,
    failed: Option<(SystemTime, String)>,
}

impl Kept {
    pub fn new(clock: Arc<dyn Clock>) -> Kept {
        Kept { state: Mutex::new(State::default()), clock }
    }

    /// The credentials kept, or what `load` gives. `refused` are ones that AWS has just called expired.
    pub async fn get<F>(&self, refused: Option<&Credentials>, load: impl FnOnce() -> F) -> Result<Credentials, String>
    where
        F: Future<Output = Result<Credentials, String>>,
    {
        // Held while loading, so that a hundred waiting calls log in once.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(good) = &state.good {
            let fresh = good.expiry().is_none_or(|at| at > now + MARGIN);
            if fresh && refused.is_none_or(|r| !same(r, good)) {
                return Ok(good.clone());
            }
        }
        if let Some((at, why)) = &state.failed
            && now.duration_since(*at).is_ok_and(|age| age < REMEMBER_FAILURE)
        {
            return Err(why.clone());
        }
        match load().await {
            Ok(good) => {
                *state = State { good: Some(good.clone()), failed: None };
                Ok(good)
            }
            Err(why) => {
                *state = State { good: None, failed: Some((now, why.clone())) };
                Err(why)
            }
        }
    }
}

fn same(a: &Credentials, b: &Credentials) -> bool {
    a.access_key_id() == b.access_key_id() && a.session_token() == b.session_token()
}

/// Asks a provider. The error says what a person does next.
pub(crate) async fn provide(provider: &SharedCredentialsProvider) -> Result<Credentials, String> {
    provider.provide_credentials().await.map_err(|error| {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            text.push_str(&format!(": {inner}"));
            source = inner.source();
        }
        // The instance metadata is asked last, and is not there on most machines.
        if matches!(error, CredentialsError::CredentialsNotLoaded(_)) || text.contains("IMDS") {
            "no AWS credentials found in the environment, in ~/.aws or on the machine: log in (`aws sso login`), name \
             a profile (--profile or AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .to_owned()
        } else {
            let text = text.trim_end_matches('.');
            format!(
                "the AWS credentials can't be loaded: {text}; log in again (`aws sso login`), or check ~/.aws/config"
            )
        }
    })
}
