//! The signed client: any operation as data, tried again where that helps.

use crate::{
    Api, Call, CallError, Clock, ErrorKind, Role, SystemClock,
    catalogue::{self, Operation, Service, Shape},
    credentials::{self, Kept},
    endpoint::{self, Endpoint},
    pace::Pace,
    pages,
    protocol::{self, Answer},
};
use aws_config::{
    BehaviorVersion, SdkConfig, environment::EnvironmentVariableRegionProvider, meta::region::ProvideRegion,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::{region::Region, service_config::ServiceConfigKey};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    future::Future,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicI64},
    time::{Duration, SystemTime},
};

/// What a client can be told. The default takes everything from the environment and `~/.aws`, as AWS's own tools do.
#[derive(Clone)]
pub struct Options {
    pub profile: Option<String>,
    /// The Region of calls that name none, [`Client::region`]; the environment's or the profile's, else us-east-1.
    pub region: Option<String>,
    /// For calls to other accounts; without it they fail.
    pub role: Option<Role>,
    /// Used in place of the standard chain. Then neither the environment nor `~/.aws` is read.
    pub credentials: Option<SharedCredentialsProvider>,
    /// In place of `AWS_ENDPOINT_URL` and the like.
    pub endpoint: Option<String>,
    /// In place of `AWS_MAX_ATTEMPTS`; 5 when neither says.
    pub max_attempts: Option<u32>,
    pub connect_timeout: Duration,
    /// For how long the other side may say nothing.
    pub read_timeout: Duration,
    /// All waits between a call's attempts together.
    pub patience: Duration,
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            profile: None,
            region: None,
            role: None,
            credentials: None,
            endpoint: None,
            max_attempts: None,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(20),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the HTTPS client can't start: {0}; install ca-certificates, or set SSL_CERT_FILE")]
    Http(#[source] reqwest::Error),
    #[error("AWS_MAX_ATTEMPTS or `max_attempts` is `{0}`; set a number from 1")]
    Attempts(String),
    #[error(
        "AWS_CA_BUNDLE `{file}` can't be read as certificates: {why}; name a file of PEM certificates, or unset it"
    )]
    Bundle { file: String, why: String },
}

/// However slowly an answer drips, no attempt takes longer.
const LONGEST: Duration = Duration::from_secs(300);

/// Certificates to trust beside the system's: a company's own, which its proxy signs with.
struct Bundle {
    file: String,
    pem: Vec<u8>,
    certificates: Vec<reqwest::Certificate>,
}

impl Bundle {
    fn read(path: &Path) -> Result<Bundle, Error> {
        let file = path.display().to_string();
        let wrong = |why: String| Error::Bundle { file: file.clone(), why };
        let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| wrong(e.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("it holds none".to_owned()));
        }
        Ok(Bundle { file, pem, certificates })
    }
}

/// The HTTP client by which aws-config logs in.
fn sdk_http(bundle: Option<Bundle>) -> Result<SharedHttpClient, Error> {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let builder = aws_smithy_http_client::Builder::new().tls_provider(provider);
    let Some(Bundle { file, pem, .. }) = bundle else { return Ok(builder.build_https()) };
    let store = tls::TrustStore::default().with_pem_certificate(pem);
    let context = tls::TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|e| Error::Bundle { file, why: e.to_string() })?;
    Ok(builder.tls_context(context).build_https())
}

/// The way to AWS. Cheap to share by reference; calls may run at the same time.
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) options: Options,
    region: String,
    pub(crate) attempts: u32,
    /// `None` when the credentials were given.
    config: Option<(SdkConfig, SharedHttpClient)>,
    endpoints: Mutex<HashMap<String, Option<String>>>,
    own: Kept,
    account: OnceLock<String>,
    roles: Mutex<HashMap<String, Arc<Kept>>>,
    pub(crate) pace: Pace,
    /// Seconds by which AWS's clock is ahead of ours.
    pub(crate) skew: AtomicI64,
    /// Where buckets turned out to be.
    pub(crate) buckets: Mutex<HashMap<String, String>>,
}

impl Client {
    /// Reads the configuration. Credentials are looked for at the first call.
    pub async fn connect(options: Options) -> Result<Client, Error> {
        // Fails only when another part of the process has installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bundle = match (&options.credentials, std::env::var_os("AWS_CA_BUNDLE")) {
            (None, Some(file)) if !file.is_empty() => Some(Bundle::read(Path::new(&file))?),
            _ => None,
        };
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(LONGEST)
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")));
        for certificate in bundle.iter().flat_map(|b| b.certificates.iter().cloned()) {
            http = http.add_root_certificate(certificate);
        }
        let http = http.build().map_err(Error::Http)?;
        let config = match options.credentials {
            Some(_) => None,
            None => {
                let sdk_http = sdk_http(bundle)?;
                Some((load(&options, sdk_http.clone()).await, sdk_http))
            }
        };
        let sdk = config.as_ref().map(|(sdk, _)| sdk);
        let region = options.region.clone().or_else(|| Some(sdk?.region()?.as_ref().to_owned()));
        let configured = sdk.and_then(|sdk| setting(sdk, "AWS_MAX_ATTEMPTS", "max_attempts", ""));
        let attempts = match (options.max_attempts, configured) {
            (Some(given), _) => given,
            (None, Some(text)) => text.trim().parse().map_err(|_| Error::Attempts(text))?,
            (None, None) => 5,
        };
        if attempts == 0 {
            return Err(Error::Attempts("0".to_owned()));
        }
        Ok(Client {
            http,
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            attempts,
            config,
            endpoints: Mutex::default(),
            own: Kept::new(Arc::clone(&options.clock)),
            account: OnceLock::new(),
            roles: Mutex::default(),
            pace: Pace::default(),
            skew: AtomicI64::new(0),
            buckets: Mutex::default(),
            options,
        })
    }

    /// The Region that the caller works in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The body of an answer as bytes, for operations that answer a stream (S3's GetObject).
    pub async fn bytes(&self, call: &Call) -> Result<Vec<u8>, CallError> {
        let (service, operation) = self.operation(call)?;
        Ok(self.exchange(call, service, operation).await?.body)
    }

    async fn call_once(&self, call: &Call) -> Result<Value, CallError> {
        let (service, operation) = self.operation(call)?;
        let answer = self.exchange(call, service, operation).await?;
        protocol::output(service, &call.operation, operation, &call.params, &answer).map_err(|why| CallError {
            status: answer.status,
            ..self.error(call, ErrorKind::Other, "broken_answer", format!("{why}; is the endpoint AWS's?"))
        })
    }

    async fn call_pages(&self, call: &Call) -> Result<Value, CallError> {
        let (_, operation) = self.operation(call)?;
        match &operation.paginator {
            Some(paginator) => pages::all(call, paginator, async |call| self.call_once(&call).await).await,
            None => self.call_once(call).await,
        }
    }

    fn operation(&self, call: &Call) -> Result<(&'static Service, &'static Operation), CallError> {
        let unknown = |message| self.error(call, ErrorKind::Unsupported, "unknown_operation", message);
        let service = catalogue::find(&call.service)
            .ok_or_else(|| unknown(format!("no service `{}` in the API catalogue", call.service)))?;
        let operation = service
            .operations
            .get(&call.operation)
            .ok_or_else(|| unknown(format!("no operation `{}` in `{}`", call.operation, call.service)))?;
        for shape in [operation.input, operation.output].into_iter().flatten().map(|n| service.shape(n)) {
            if let Shape::Structure { members, .. } = shape
                && members.iter().any(|m| matches!(service.shape(m.1), Shape::EventStream))
            {
                return Err(unknown(format!(
                    "`{}` speaks in event streams, which this client doesn't",
                    call.operation
                )));
            }
        }
        Ok((service, operation))
    }

    /// An error of a call that AWS hasn't answered.
    pub(crate) fn error(&self, call: &Call, kind: ErrorKind, code: &str, message: String) -> CallError {
        CallError {
            kind,
            service: call.service.clone(),
            operation: call.operation.clone(),
            region: call.region.clone(),
            code: code.to_owned(),
            message,
            status: 0,
        }
    }

    /// The endpoint for a service in a Region, by options, environment, profile, else AWS's own.
    pub(crate) fn endpoint(&self, service: &Service, region: &str) -> Result<Endpoint, String> {
        let custom = {
            let mut known = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(service.name.clone()).or_insert_with(|| self.configured_endpoint(service)).clone()
        };
        let fips = self.config.as_ref().and_then(|(sdk, _)| sdk.use_fips()).unwrap_or(false);
        Endpoint::resolve(service, region, fips, custom.as_deref())
    }

    fn configured_endpoint(&self, service: &Service) -> Option<String> {
        if self.options.endpoint.is_some() {
            return self.options.endpoint.clone();
        }
        let (sdk, _) = self.config.as_ref()?;
        // Absent too when AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is set, which the service's own obeys as well.
        let ignored =
            std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_ok_and(|v| v.eq_ignore_ascii_case("true"));
        let own = if ignored { None } else { setting(sdk, "AWS_ENDPOINT_URL", "endpoint_url", &service.id) };
        own.or_else(|| sdk.endpoint_url().map(str::to_owned)).filter(|url| !url.is_empty())
    }

    /// Our time, corrected by what AWS says.
    pub(crate) fn now(&self) -> SystemTime {
        let skew = self.skew.load(std::sync::atomic::Ordering::Relaxed);
        let now = self.options.clock.now();
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew >= 0 { now + by } else { now.checked_sub(by).unwrap_or(now) }
    }

    /// Credentials for the call's account. `refused` are ones that AWS has just called expired.
    pub(crate) async fn credentials(
        &self,
        call: &Call,
        refused: Option<&Credentials>,
    ) -> Result<Credentials, CallError> {
        match call.account.as_deref() {
            Some(account) if self.assumes(account).await? => self.assumed(call, account, refused).await,
            _ => self
                .own
                .get(refused, || self.load_own(refused.is_some()))
                .await
                .map_err(|why: String| self.error(call, ErrorKind::Credentials, "no_credentials", why)),
        }
    }

    async fn load_own(&self, again: bool) -> Result<Credentials, String> {
        let none = || "no AWS credentials were given".to_owned();
        let provider = match (&self.options.credentials, &self.config) {
            (Some(given), _) => given.clone(),
            // The files may have changed since: read them again.
            (None, Some((_, http))) if again => {
                load(&self.options, http.clone()).await.credentials_provider().ok_or_else(none)?
            }
            (None, config) => config.as_ref().and_then(|(sdk, _)| sdk.credentials_provider()).ok_or_else(none)?,
        };
        let named = self.options.profile.as_deref().filter(|_| self.config.is_some());
        credentials::provide(&provider).await.map_err(|why| match named {
            Some(profile) => format!("profile `{profile}`: {why}"),
            None => why,
        })
    }

    /// Whether the account takes a role: another one than the caller's always does.
    async fn assumes(&self, account: &str) -> Result<bool, CallError> {
        if self.options.role.as_ref().is_some_and(|role| role.own_account) {
            return Ok(true);
        }
        if let Some(own) = self.account.get() {
            return Ok(own != account);
        }
        let who = Box::pin(crate::identity(self, &self.region)).await?;
        Ok(self.account.get_or_init(|| who.account) != account)
    }

    async fn assumed(
        &self,
        call: &Call,
        account: &str,
        refused: Option<&Credentials>,
    ) -> Result<Credentials, CallError> {
        let Some(role) = &self.options.role else {
            let why = format!("account `{account}` is not the credentials' own: name a role to take on there (--role)");
            return Err(self.error(call, ErrorKind::Credentials, "no_role", why));
        };
        let kept = {
            let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                roles.entry(account.to_owned()).or_insert_with(|| Arc::new(Kept::new(Arc::clone(&self.options.clock)))),
            )
        };
        let arn = format!("arn:{}:iam::{account}:role/{}", endpoint::partition(&self.region).id, role.name);
        let load = || async {
            let mut params = json!({"RoleArn": arn, "RoleSessionName": role.session_name});
            if let Some(external_id) = &role.external_id {
                params["ExternalId"] = json!(external_id);
            }
            let assume = Call {
                service: "sts".to_owned(),
                operation: "AssumeRole".to_owned(),
                params,
                region: self.region.clone(),
                account: None,
            };
            let answer = Box::pin(self.call_once(&assume)).await.map_err(|e| e.to_string())?;
            role_credentials(&answer).ok_or_else(|| "sts:AssumeRole answered no credentials".to_owned())
        };
        kept.get(refused, load).await.map_err(|why: String| {
            let why = format!("can't take on `{arn}`: {why}; check the role's trust policy and external id");
            self.error(call, ErrorKind::Credentials, "assume_role", why)
        })
    }
}

fn role_credentials(answer: &Value) -> Option<Credentials> {
    let given = answer.get("Credentials")?;
    let text = |name: &str| given.get(name)?.as_str().map(str::to_owned);
    let expiry = text("Expiration").and_then(|t| chrono::DateTime::parse_from_rfc3339(&t).ok()).map(SystemTime::from);
    Some(Credentials::new(text("AccessKeyId")?, text("SecretAccessKey")?, text("SessionToken"), expiry, "AssumeRole"))
}

/// The standard chain. The Region is not asked of the instance metadata: that takes seconds where there is none.
async fn load(options: &Options, http: SharedHttpClient) -> SdkConfig {
    // Without a retry configuration of our own, one that can't be read makes aws-config panic.
    let retries = aws_config::retry::RetryConfig::standard();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).retry_config(retries);
    let region = region(options).await;
    if let Some(profile) = &options.profile {
        // The chain would ask the environment first, and so read an account that nobody named.
        let config = ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(http);
        let named = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(named);
    }
    loader.region(region).load().await
}

/// The Region by options, environment, profile. An empty variable counts as none.
async fn region(options: &Options) -> Region {
    let mut file = aws_config::profile::ProfileFileRegionProvider::builder();
    if let Some(profile) = &options.profile {
        file = file.profile_name(profile);
    }
    let named = |region: &Region| !region.as_ref().is_empty();
    if let Some(region) = options.region.clone().map(Region::new).filter(named) {
        return region;
    }
    if let Some(region) = EnvironmentVariableRegionProvider::new().region().await.filter(named) {
        return region;
    }
    file.build().region().await.filter(named).unwrap_or_else(|| Region::from_static("us-east-1"))
}

/// A setting of the environment or the profile; for a service id, the service's own before the general one.
fn setting(sdk: &SdkConfig, variable: &str, key: &str, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env(variable).profile(key).build().ok()?;
    sdk.service_config()?.load_config(key)
}

impl Api for Client {
    fn call<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(self.call_once(call))
    }

    fn call_all<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(self.call_pages(call))
    }
}

impl Answer {
    /// The time by AWS's clock.
    pub(crate) fn date(&self) -> Option<SystemTime> {
        let text = self.header("date")?;
        chrono::DateTime::parse_from_rfc2822(text).ok().map(SystemTime::from)
    }
}
