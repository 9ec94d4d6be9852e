//! Where a call goes: AWS's own host for service and Region, or one that the user configured.

use crate::catalogue::{Place, Service};
use crate::protocol::Request;
use serde::Deserialize;
use std::sync::OnceLock;
use url::Url;

/// A set of Regions with its own accounts, ARNs and DNS suffix.
#[derive(Debug, Deserialize)]
pub(crate) struct Partition {
    pub id: String,
    pub suffix: String,
    /// The Region that global services are signed for and their resources are shown in.
    pub global: String,
    pub regions: Vec<String>,
}

fn partitions() -> &'static [Partition] {
    static PARTITIONS: OnceLock<Vec<Partition>> = OnceLock::new();
    // A broken file is a broken build, which the tests find.
    PARTITIONS.get_or_init(|| serde_json::from_str(include_str!("../api/partitions.json")).unwrap_or_default())
}

/// The partition of a Region; a Region newer than this program is placed by its first letters.
pub(crate) fn partition(region: &str) -> &'static Partition {
    static AWS: OnceLock<Partition> = OnceLock::new();
    let family = |name: &str| name.rsplitn(3, '-').nth(2).map(str::to_owned);
    partitions()
        .iter()
        .find(|p| p.regions.iter().any(|r| r == region))
        .or_else(|| partitions().iter().find(|p| p.regions.iter().any(|r| family(r) == family(region))))
        .or_else(|| partitions().first())
        .unwrap_or_else(|| {
            AWS.get_or_init(|| Partition {
                id: "aws".to_owned(),
                suffix: "amazonaws.com".to_owned(),
                global: "us-east-1".to_owned(),
                regions: Vec::new(),
            })
        })
}

/// A resolved endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `https://host[:port]/base`, without a slash at the end.
    scheme: String,
    authority: String,
    base: String,
    /// The Region that the signature names.
    pub signing_region: String,
    /// Not AWS's own: no host prefixes, S3 by path.
    pub foreign: bool,
}

/// Whether the text is a Region's name, and so fit to stand in a host.
pub fn is_region(region: &str) -> bool {
    !region.is_empty() && region.len() <= 40 && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Endpoint {
    /// AWS's own endpoint, or `custom`. The error is for the person who configured it.
    pub fn resolve(service: &Service, region: &str, fips: bool, custom: Option<&str>) -> Result<Endpoint, String> {
        if !is_region(region) {
            return Err(format!("`{region}` is no Region's name; use one like `ap-northeast-1`"));
        }
        let partition = partition(region);
        let (places, dash) = if fips { (&service.fips, "-fips") } else { (&service.endpoints, "") };
        let place = places.get(&partition.id).map(|p| p.except.get(region).unwrap_or(p));
        let nothing = Place::default();
        let place = place.unwrap_or(&nothing);
        let url = match (custom, &place.url) {
            (Some(custom), _) => custom.to_owned(),
            (None, Some(url)) => url.replace("{region}", region),
            (None, None) => format!("https://{}{dash}.{region}.{}", service.prefix, partition.suffix),
        };
        let parsed = Url::parse(&url).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
        let Some((parsed, host)) = parsed.as_ref().and_then(|u| Some((u, u.host_str()?))) else {
            return Err(format!("the endpoint `{url}` is no http(s) URL; check AWS_ENDPOINT_URL and `endpoint_url`"));
        };
        let authority = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let own = host.ends_with(&format!(".{}", partition.suffix));
        Ok(Endpoint {
            scheme: parsed.scheme().to_owned(),
            authority,
            base: parsed.path().trim_end_matches('/').to_owned(),
            signing_region: place.region.clone().unwrap_or_else(|| region.to_owned()),
            foreign: custom.is_some() && !own,
        })
    }

    /// The full URL of a request. Virtual-hosted S3 buckets and host prefixes move into the host here.
    pub fn url(&self, request: &Request) -> String {
        let mut host = self.authority.clone();
        let mut path = request.path.as_str();
        if !self.foreign {
            if let Some(prefix) = &request.host_prefix {
                host.insert_str(0, prefix);
            }
            if let Some(bucket) = request.bucket.as_deref().filter(|b| fits_a_host(b)) {
                host.insert_str(0, &format!("{bucket}."));
                // A name that fits a host is not percent-encoded in the path.
                path = path.get(1 + bucket.len()..).unwrap_or_default();
            }
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let question = if request.query.is_empty() { "" } else { "?" };
        format!("{}://{host}{}{slash}{path}{question}{}", self.scheme, self.base, request.query)
    }

    /// The host's name, for messages.
    pub fn host(&self) -> &str {
        &self.authority
    }
}

/// A bucket whose name is one DNS label. One with dots works by path only, since TLS certificates cover one label.
fn fits_a_host(bucket: &str) -> bool {
    (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !bucket.starts_with('-')
        && !bucket.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn endpoint(service: &str, region: &str, custom: Option<&str>) -> Endpoint {
        let service = catalogue::find(service).expect("known");
        Endpoint::resolve(service, region, false, custom).expect("an endpoint")
    }

    fn at(path: &str) -> Request {
        Request { path: path.to_owned(), ..Request::default() }
    }

    #[test]
    fn regional_and_global_services_in_three_partitions() {
        for (service, region, url, signed) in [
            ("ec2", "ap-northeast-1", "https://ec2.ap-northeast-1.amazonaws.com/", "ap-northeast-1"),
            ("sts", "eu-west-1", "https://sts.eu-west-1.amazonaws.com/", "eu-west-1"),
            ("iam", "ap-northeast-1", "https://iam.amazonaws.com/", "us-east-1"),
            ("iam", "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
            ("iam", "us-gov-east-1", "https://iam.us-gov.amazonaws.com/", "us-gov-west-1"),
            ("organizations", "eu-west-1", "https://organizations.us-east-1.amazonaws.com/", "us-east-1"),
            ("account", "eu-west-1", "https://account.us-east-1.amazonaws.com/", "us-east-1"),
            ("cloudfront", "eu-west-1", "https://cloudfront.amazonaws.com/", "us-east-1"),
            ("route53", "us-gov-west-1", "https://route53.us-gov.amazonaws.com/", "us-gov-west-1"),
            ("cloudwatch", "eu-west-1", "https://monitoring.eu-west-1.amazonaws.com/", "eu-west-1"),
            ("ecr", "cn-north-1", "https://api.ecr.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
            // Newer than this program.
            ("kms", "cn-east-9", "https://kms.cn-east-9.amazonaws.com.cn/", "cn-east-9"),
            ("kms", "ap-east-9", "https://kms.ap-east-9.amazonaws.com/", "ap-east-9"),
        ] {
            let endpoint = endpoint(service, region, None);
            assert_eq!((endpoint.url(&at("/")).as_str(), endpoint.signing_region.as_str()), (url, signed), "{service}");
        }
    }

    #[test]
    fn fips_endpoints_where_they_are_asked_for() {
        for (service, region, url) in [
            ("kms", "us-east-1", "https://kms-fips.us-east-1.amazonaws.com/"),
            ("iam", "us-west-2", "https://iam-fips.amazonaws.com/"),
            ("ec2", "us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com/"),
        ] {
            let service = catalogue::find(service).expect("known");
            assert_eq!(Endpoint::resolve(service, region, true, None).expect("an endpoint").url(&at("/")), url);
        }
    }

    #[test]
    fn a_bucket_moves_into_the_host_where_its_name_fits() {
        let s3 = endpoint("s3", "eu-west-1", None);
        let bucket = |name: &str, path: &str| Request { bucket: Some(name.to_owned()), ..at(path) };
        assert_eq!(s3.url(&bucket("my-logs", "/my-logs")), "https://my-logs.s3.eu-west-1.amazonaws.com/");
        assert_eq!(s3.url(&bucket("my-logs", "/my-logs/a%20b")), "https://my-logs.s3.eu-west-1.amazonaws.com/a%20b");
        assert_eq!(s3.url(&bucket("my.logs", "/my.logs")), "https://s3.eu-west-1.amazonaws.com/my.logs");
        let local = endpoint("s3", "eu-west-1", Some("http://127.0.0.1:5000/base/"));
        assert_eq!(local.url(&bucket("my-logs", "/my-logs")), "http://127.0.0.1:5000/base/my-logs");
    }

    #[test]
    fn host_prefixes_stay_off_foreign_hosts() {
        let request = Request { host_prefix: Some("123456789012.".to_owned()), query: "a=b".to_owned(), ..at("/v") };
        let own = endpoint("s3control", "eu-west-1", None);
        assert_eq!(own.url(&request), "https://123456789012.s3-control.eu-west-1.amazonaws.com/v?a=b");
        let local = endpoint("s3control", "eu-west-1", Some("http://localhost:5000"));
        assert_eq!(local.url(&request), "http://localhost:5000/v?a=b");
    }

    #[test]
    fn a_region_that_would_change_the_host_is_refused() {
        let kms = catalogue::find("kms").expect("known");
        assert!(Endpoint::resolve(kms, "evil.example/", false, None).is_err());
        assert!(Endpoint::resolve(kms, "", false, None).is_err());
        assert!(Endpoint::resolve(kms, "us-east-1", false, Some("file:///etc")).is_err());
    }
}
