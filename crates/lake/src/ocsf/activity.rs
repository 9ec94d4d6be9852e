//! Which OCSF class and activity an API call is.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    ApiActivity,
    Authentication,
    AccountChange,
}

impl Class {
    pub fn uid(self) -> i32 {
        match self {
            Class::ApiActivity => 6003,
            Class::Authentication => 3002,
            Class::AccountChange => 3001,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Class::ApiActivity => "API Activity",
            Class::Authentication => "Authentication",
            Class::AccountChange => "Account Change",
        }
    }

    pub fn category(self) -> (i32, &'static str) {
        match self {
            Class::ApiActivity => (6, "Application Activity"),
            Class::Authentication | Class::AccountChange => (3, "Identity & Access Management"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    pub class: Class,
    pub id: i32,
    caption: Option<&'static str>,
    protocol: (Option<i32>, Option<&'static str>),
}

impl Activity {
    pub fn of(source: &str, name: &str, record: &Value) -> Activity {
        let (class, (id, caption)) = match source {
            "signin.amazonaws.com" => (Class::Authentication, signin(name)),
            "sts.amazonaws.com" if issues_credentials(name) => {
                (Class::Authentication, (3, Some("Authentication Ticket")))
            }
            "iam.amazonaws.com" => match account_change(name) {
                Some(activity) => (Class::AccountChange, activity),
                None => (Class::ApiActivity, api_activity(name, record)),
            },
            _ => (Class::ApiActivity, api_activity(name, record)),
        };
        let protocol = match name {
            "AssumeRoleWithSAML" => (Some(5), Some("SAML")),
            "AssumeRoleWithWebIdentity" => (Some(4), Some("OpenID")),
            _ => (None, None),
        };
        Activity { class, id, caption, protocol }
    }

    /// The activity's caption; for `Other` (99) OCSF asks for the source's own name.
    pub fn name<'a>(&self, event_name: &'a str) -> &'a str {
        self.caption.unwrap_or(event_name)
    }

    pub fn auth_protocol(&self) -> (Option<i32>, Option<&'static str>) {
        self.protocol
    }
}

fn signin(name: &str) -> (i32, Option<&'static str>) {
    match name {
        "ConsoleLogin" | "UserAuthentication" | "CredentialVerification" => (1, Some("Logon")),
        "Logout" => (2, Some("Logoff")),
        "CheckMfa" | "CredentialChallenge" => (6, Some("Preauth")),
        "SwitchRole" | "ExitRole" | "RenewRole" => (7, Some("Account Switch")),
        "GetSigninToken" => (3, Some("Authentication Ticket")),
        _ => (99, None),
    }
}

fn issues_credentials(name: &str) -> bool {
    name.starts_with("AssumeRole") || matches!(name, "AssumeRoot" | "GetSessionToken" | "GetFederationToken")
}

/// The activity of an IAM call that changes a user; `None` for all others.
fn account_change(name: &str) -> Option<(i32, Option<&'static str>)> {
    Some(match name {
        "CreateUser" => (1, Some("Create")),
        // A login profile is what lets a user into the console.
        "CreateLoginProfile" => (2, Some("Enable")),
        "DeleteLoginProfile" => (5, Some("Disable")),
        "ChangePassword" => (3, Some("Password Change")),
        "UpdateLoginProfile" => (4, Some("Password Reset")),
        "DeleteUser" => (6, Some("Delete")),
        "AttachUserPolicy" | "PutUserPolicy" => (7, Some("Attach Policy")),
        "DetachUserPolicy" | "DeleteUserPolicy" => (8, Some("Detach Policy")),
        "EnableMFADevice" => (10, Some("MFA Factor Enable")),
        "DeactivateMFADevice" => (11, Some("MFA Factor Disable")),
        "UpdateUser"
        | "CreateAccessKey"
        | "UpdateAccessKey"
        | "DeleteAccessKey"
        | "AddUserToGroup"
        | "RemoveUserFromGroup"
        | "PutUserPermissionsBoundary"
        | "DeleteUserPermissionsBoundary"
        | "TagUser"
        | "UntagUser"
        | "UploadSSHPublicKey"
        | "UpdateSSHPublicKey"
        | "DeleteSSHPublicKey"
        | "UploadSigningCertificate"
        | "UpdateSigningCertificate"
        | "DeleteSigningCertificate"
        | "CreateServiceSpecificCredential"
        | "UpdateServiceSpecificCredential"
        | "ResetServiceSpecificCredential"
        | "DeleteServiceSpecificCredential" => (99, None),
        _ => return None,
    })
}

const CREATE: &[&str] = &["Create", "Run", "Allocate", "Register", "Import", "Copy", "Generate", "Request", "Publish"];
const READ: &[&str] = &[
    "Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Search", "Query", "Scan", "Select", "Decrypt", "Filter",
];
const UPDATE: &[&str] = &[
    "Update",
    "Put",
    "Modify",
    "Set",
    "Attach",
    "Detach",
    "Associate",
    "Disassociate",
    "Add",
    "Enable",
    "Disable",
    "Start",
    "Stop",
    "Tag",
    "Untag",
    "Authorize",
    "Revoke",
    "Replace",
    "Reset",
    "Restore",
    "Change",
    "Reboot",
    "Apply",
];
const DELETE: &[&str] = &["Delete", "Remove", "Terminate", "Deregister", "Release", "Purge", "BatchDelete"];

/// By the verb that AWS operation names begin with; where it says nothing, a read-only call is a read.
fn api_activity(name: &str, record: &Value) -> (i32, Option<&'static str>) {
    let begins = |verbs: &[&str]| {
        verbs.iter().any(|verb| {
            name.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_lowercase()))
        })
    };
    if begins(DELETE) {
        (4, Some("Delete"))
    } else if begins(CREATE) {
        (1, Some("Create"))
    } else if begins(READ) {
        (2, Some("Read"))
    } else if begins(UPDATE) {
        (3, Some("Update"))
    } else if record["readOnly"] == true {
        (2, Some("Read"))
    } else {
        (99, None)
    }
}
