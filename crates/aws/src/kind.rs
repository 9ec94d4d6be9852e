//! AWS's error codes to what a caller must tell apart. The same failure has many names: each service chose its own.

use crate::{CallError, ErrorKind};

/// What a failed call means by its code, status and message.
pub(crate) fn kind(service: &str, code: &str, status: u16, message: &str) -> ErrorKind {
    if not_enabled(service, code, message) {
        return ErrorKind::NotFound;
    }
    let known = [
        (CREDENTIALS, ErrorKind::Credentials),
        (DENIED, ErrorKind::Denied),
        (THROTTLED, ErrorKind::Throttled),
        (UNSUPPORTED, ErrorKind::Unsupported),
        (SERVER, ErrorKind::Server),
    ];
    if let Some((_, kind)) = known.iter().find(|(codes, _)| codes.contains(&code)) {
        return *kind;
    }
    if not_found(code) {
        return ErrorKind::NotFound;
    }
    match status {
        401 | 403 => ErrorKind::Denied,
        // S3 answers HEAD without a body; elsewhere a 404 without a code comes from something that isn't the service.
        404 if service == "s3" || code != "404" => ErrorKind::NotFound,
        404 | 405 | 501 => ErrorKind::Unsupported,
        408 => ErrorKind::Network,
        429 => ErrorKind::Throttled,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Other,
    }
}

/// A service that was never switched on says so in words of its own; it is no question of permission.
fn not_enabled(service: &str, code: &str, message: &str) -> bool {
    match service {
        "macie2" => code == "AccessDeniedException" && message.contains("Macie is not enabled"),
        "securityhub" => code == "InvalidAccessException" && message.contains("not subscribed"),
        "organizations" => code == "AWSOrganizationsNotInUseException",
        _ => false,
    }
}

fn not_found(code: &str) -> bool {
    code.contains("NotFound")
        || code.starts_with("NoSuch")
        || code.contains("NonExistent")
        || code.contains("DoesNotExist")
        || code == "AWSOrganizationsNotInUseException"
}

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedFault",
    "AllAccessDisabled",
    "AuthorizationError",
    "AuthorizationErrorException",
    "AuthorizationException",
    "Client.UnauthorizedOperation",
    "Forbidden",
    "ForbiddenException",
    "InsufficientPrivilegesException",
    "KMSAccessDeniedException",
    "NotAuthorized",
    "NotAuthorizedException",
    "UnauthorizedAccess",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

const CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// The codes that botocore's standard retries take for throttling.
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

const UNSUPPORTED: &[&str] = &[
    "InvalidAction",
    "MethodNotAllowed",
    "NotImplemented",
    "NotSignedUp",
    "OptInRequired",
    "SubscriptionRequiredException",
    "UnknownOperation",
    "UnknownOperationException",
    "UnsupportedOperation",
    "UnsupportedOperationException",
];

const SERVER: &[&str] = &[
    "InternalError",
    "InternalErrorException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerErrorException",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceErrorException",
    "InternalServiceException",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];

/// Codes by which a session's credentials are out of date, so that fresh ones may help.
pub(crate) fn expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired")
}

/// Codes by which the clocks may differ.
pub(crate) fn skewed(code: &str) -> bool {
    matches!(
        code,
        "RequestTimeTooSkewed"
            | "RequestExpired"
            | "RequestInTheFuture"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "AuthFailure"
    )
}

/// What a person does next, said after AWS's own words.
pub(crate) fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Credentials => {
            "check the credentials: log in again (`aws sso login`), or choose others with --profile or AWS_PROFILE"
        }
        ErrorKind::Throttled => "AWS limits the rate of this call: try again later, or scan fewer Regions at once",
        ErrorKind::Network => {
            "check the network, the Region's name, the proxy (HTTPS_PROXY), the trusted certificates (SSL_CERT_FILE) and \
             AWS_ENDPOINT_URL"
        }
        ErrorKind::Server => "the service failed: try again later",
        ErrorKind::Unsupported => "the endpoint doesn't offer this call in this Region or to this account",
        ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Other => "",
    }
}

/// Adds the advice to an error's message.
pub(crate) fn advise(mut error: CallError) -> CallError {
    let advice = advice(error.kind);
    if !advice.is_empty() {
        error.message = format!("{}; {advice}", error.message.trim_end_matches(['.', ' ']));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_kind_that_a_rule_must_tell_apart() {
        use ErrorKind::*;
        for (service, code, status, message, wanted) in [
            ("s3", "AccessDenied", 403, "", Denied),
            ("ec2", "UnauthorizedOperation", 403, "", Denied),
            ("sns", "AuthorizationError", 403, "", Denied),
            ("s3", "403", 403, "", Denied),
            ("kms", "NeverHeardOf", 403, "", Denied),
            ("s3", "NoSuchBucketPolicy", 404, "", NotFound),
            ("s3", "ServerSideEncryptionConfigurationNotFoundError", 404, "", NotFound),
            ("s3", "404", 404, "", NotFound),
            ("guardduty", "404", 404, "", Unsupported),
            ("ec2", "InvalidVolume.NotFound", 400, "", NotFound),
            ("sqs", "AWS.SimpleQueueService.NonExistentQueue", 400, "", NotFound),
            ("iam", "NoSuchEntity", 404, "", NotFound),
            ("macie2", "AccessDeniedException", 403, "Macie is not enabled", NotFound),
            ("macie2", "AccessDeniedException", 403, "User is not authorized", Denied),
            ("securityhub", "InvalidAccessException", 401, "Account 1 is not subscribed to AWS Security Hub", NotFound),
            ("organizations", "AWSOrganizationsNotInUseException", 400, "", NotFound),
            ("ec2", "RequestLimitExceeded", 503, "", Throttled),
            ("s3", "SlowDown", 503, "", Throttled),
            ("logs", "429", 429, "", Throttled),
            ("sts", "ExpiredToken", 403, "", Credentials),
            ("kms", "UnrecognizedClientException", 400, "", Credentials),
            ("iam", "InvalidClientTokenId", 403, "", Credentials),
            ("ec2", "OptInRequired", 401, "", Unsupported),
            ("config", "UnknownOperationException", 404, "", Unsupported),
            ("ec2", "InvalidAction", 400, "", Unsupported),
            ("s3", "InternalError", 500, "", Server),
            ("kms", "503", 503, "", Server),
            ("kms", "ValidationException", 400, "", Other),
        ] {
            assert_eq!(kind(service, code, status, message), wanted, "{service} {code}");
        }
    }
}
