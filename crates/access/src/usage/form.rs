//! The forms of a service's ARNs, and which resources a call of an action can be about.

use crate::catalogue::{self, Action};
use crate::glob::{Glob, pieces};
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};
use yagura_model::Arn;

/// Forms by service, read when first asked for.
static FORMS: LazyLock<BTreeMap<&'static str, OnceLock<Vec<Form>>>> =
    LazyLock::new(|| catalogue::services().map(|prefix| (prefix, OnceLock::new())).collect());

/// A resource type as its ARNs look.
#[derive(Debug)]
pub struct Form {
    /// The type as AWS's reference calls it.
    pub name: String,
    service: String,
    /// `None` where the ARN names whatever Region or account.
    region: Option<String>,
    account: Option<String>,
    /// What comes after the account, with `*` for each placeholder.
    pub rest: String,
    glob: Glob,
    /// A bucket's name holds no slash: whether the ARN ends with it, or a key follows.
    bucket: Option<bool>,
}

impl Form {
    fn of(name: String, arn: &str) -> Option<Form> {
        let bucket = arn.contains(":::${BucketName}").then(|| arn.ends_with("${BucketName}"));
        let mut text = String::new();
        let mut left = arn;
        while let Some((before, after)) = left.split_once("${") {
            text.push_str(before);
            text.push('*');
            left = after.split_once('}').map_or("", |(_, after)| after);
        }
        text.push_str(left);
        let parts = Arn::parse(&text)?;
        let field = |field: &str| Some(field.to_owned()).filter(|field| !field.contains('*'));
        Some(Form {
            name,
            service: parts.service.to_owned(),
            region: field(parts.region),
            account: field(parts.account),
            rest: parts.resource.to_owned(),
            glob: Glob::text(&pieces(parts.resource)),
            bucket,
        })
    }

    /// Whether an ARN, or a pattern of some, is of this type.
    pub fn fits(&self, arn: &Arn<'_>) -> bool {
        let is = |wanted: &Option<String>, field: &str| wanted.as_ref().is_none_or(|wanted| wanted == field);
        let mut fits = arn.service == self.service && is(&self.region, arn.region) && is(&self.account, arn.account);
        fits &= match (self.bucket, arn.resource.split_once('/')) {
            (None, _) => self.glob.matches(arn.resource),
            (Some(ends), None) => ends,
            (Some(ends), Some((bucket, key))) => !ends && !bucket.is_empty() && !key.is_empty(),
        };
        fits
    }

    /// Characters that are the same in all its ARNs, after the account: the more, the narrower the type.
    pub fn weight(&self) -> usize {
        self.rest.bytes().filter(|b| *b != b'*').count()
    }

    /// What all its ARNs begin with, after the account.
    pub fn beginning(&self) -> &str {
        self.rest.split('*').next().unwrap_or_default()
    }

    /// Whether its ARNs name an account.
    pub fn has_account(&self) -> bool {
        self.account.is_none()
    }

    /// Whether its ARNs name a Region.
    pub fn has_region(&self) -> bool {
        self.region.is_none()
    }

    /// Whether it is the type of S3's objects.
    pub fn is_object(&self) -> bool {
        self.bucket == Some(false)
    }
}

/// All forms of a service.
fn forms(prefix: &str) -> &'static [Form] {
    let Some(place) = FORMS.get(prefix) else { return &[] };
    let read = || catalogue::types_of(prefix).iter().filter_map(|t| Form::of(t.name(), &t.arn())).collect();
    place.get_or_init(read)
}

/// The forms of what an action takes, each with whether every call names one.
pub fn forms_of(action: &Action) -> Vec<(&'static Form, bool)> {
    let all = forms(action.service);
    let form = |taken: &catalogue::Taken| {
        let name = taken.name();
        all.iter().find(|form| form.name == name).map(|form| (form, taken.needed))
    };
    action.takes().iter().filter_map(form).collect()
}

/// The narrowest of an action's forms that a resource fits.
pub fn form_of(forms: &[(&'static Form, bool)], arn: &str) -> Option<&'static Form> {
    let arn = Arn::parse(arn)?;
    forms.iter().map(|(form, _)| *form).filter(|form| form.fits(&arn)).max_by_key(|form| form.weight())
}

/// Those of the resources that a call of an action is about. Empty, which is not known, unless one of each type that
/// every call names is among them.
pub fn fitting(action: &Action, resources: &[String]) -> Vec<String> {
    let forms = forms_of(action);
    let mut met = vec![false; forms.len()];
    let mut found = Vec::new();
    for resource in resources {
        let Some(arn) = Arn::parse(resource) else { continue };
        let mut fits = false;
        for ((form, _), met) in forms.iter().zip(&mut met) {
            if form.fits(&arn) {
                *met = true;
                fits = true;
            }
        }
        if fits && !found.contains(resource) {
            found.push(resource.clone());
        }
    }
    let all = forms.iter().zip(&met).all(|((_, needed), met)| *met || !needed);
    if all { found } else { Vec::new() }
}
