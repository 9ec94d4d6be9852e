//! Signature Version 4.

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use std::time::SystemTime;

/// The headers that sign a request. The error is a programming or configuration error, never AWS's.
pub(crate) fn headers(
    credentials: &Credentials,
    service: &str,
    region: &str,
    now: SystemTime,
    request: (&str, &str, &[(String, String)], &[u8]),
) -> Result<Vec<(String, String)>, String> {
    let (method, url, headers, body) = request;
    let mut settings = SigningSettings::default();
    // S3 signs the path as it is sent, keys with `//` included, and wants the body's hash in a header.
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|e| e.to_string())?
        .into();
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(method, url, pairs, SignableBody::Bytes(body)).map_err(|e| e.to_string())?;
    let (instructions, _) = sign(signable, &params).map_err(|e| e.to_string())?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
