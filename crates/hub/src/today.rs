//! The three things to do today, and why each comes before the next.
//!
//! The order is a plain comparison, criterion by criterion, so that the reason can be told in one sentence: somebody may
//! be in; then severity; then the roadmap's stage; then how quickly it is done; then how much it concerns.

use crate::{Catalog, Error, Filter, Group, Hub};
use yagura_model::{FindingClass, Lang, Severity};
use yagura_posture::Stage;

/// One thing to do.
#[derive(Clone, Debug)]
pub struct Today {
    pub group: Group,
    pub stage: Option<Stage>,
    pub minutes: Option<u32>,
    pub playbook: Option<String>,
    /// Why it comes before the next on the list; `None` for the last there is.
    pub before_next: Option<Reason>,
}

/// The first criterion in which one thing beats the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    SomebodyMayBeIn,
    MoreSevere(Severity, Severity),
    EarlierStage(Stage, Option<Stage>),
    Quicker(u32, Option<u32>),
    ConcernsMore(i64, i64),
    Older,
    /// Nothing tells them apart.
    Equal,
}

impl Reason {
    /// The reason as a sentence.
    pub fn text(self, lang: Lang) -> String {
        match (self, lang) {
            (Reason::SomebodyMayBeIn, Lang::En) => {
                "Comes first because it already happened: somebody may be in.".to_owned()
            }
            (Reason::SomebodyMayBeIn, Lang::Ja) => {
                "すでに起きた事象であり、侵入されているおそれがあるため最優先です。".to_owned()
            }
            (Reason::MoreSevere(a, b), Lang::En) => format!("Before the next because {a} outranks {b}."),
            (Reason::MoreSevere(a, b), Lang::Ja) => {
                format!("次の項目より重大度が高いため先に行います({} > {})。", a.word(lang), b.word(lang))
            }
            (Reason::EarlierStage(a, b), Lang::En) => format!(
                "Same severity as the next, but it belongs to an earlier stage of the roadmap ({} before {}).",
                a.as_str(),
                b.map_or("none", Stage::as_str)
            ),
            (Reason::EarlierStage(a, b), Lang::Ja) => format!(
                "重大度は次の項目と同じですが、ロードマップで先の段階にあります({} → {})。",
                stage_ja(a),
                b.map_or("段階なし", stage_ja)
            ),
            (Reason::Quicker(a, b), Lang::En) => match b {
                Some(b) => format!("As severe as the next, but done sooner ({a} against {b} minutes)."),
                None => format!("As severe as the next, but done sooner (about {a} minutes)."),
            },
            (Reason::Quicker(a, b), Lang::Ja) => match b {
                Some(b) => format!("重大度は同じですが、短い時間で終わります({a} 分 / 次は {b} 分)。"),
                None => format!("重大度は同じですが、短い時間で終わります(約 {a} 分)。"),
            },
            (Reason::ConcernsMore(a, b), Lang::En) => {
                format!("As severe as the next, but concerns more: {a} against {b}.")
            }
            (Reason::ConcernsMore(a, b), Lang::Ja) => {
                format!("重大度は同じですが、対象が多くあります({a} 件 / 次は {b} 件)。")
            }
            (Reason::Older, Lang::En) => "As urgent as the next, but it began earlier.".to_owned(),
            (Reason::Older, Lang::Ja) => "緊急度は次の項目と同じですが、先に始まっています。".to_owned(),
            (Reason::Equal, Lang::En) => "As urgent as the next: begin with either.".to_owned(),
            (Reason::Equal, Lang::Ja) => "緊急度は次の項目と同じです。どちらから始めてもかまいません。".to_owned(),
        }
    }
}

fn stage_ja(stage: Stage) -> &'static str {
    match stage {
        Stage::Minimum => "最小",
        Stage::Standard => "標準",
        Stage::Hardened => "堅牢",
    }
}

impl Today {
    fn new(group: Group, catalog: &Catalog) -> Today {
        let topic = catalog.get(&group.rule);
        Today {
            stage: topic.and_then(|t| t.stage),
            minutes: topic.and_then(|t| t.minutes),
            playbook: topic.and_then(|t| t.playbook.clone()),
            group,
            before_next: None,
        }
    }

    /// An alert of high severity or more is somebody who may be in; a lesser one ranks with the rest.
    fn somebody_may_be_in(&self) -> bool {
        self.group.class == FindingClass::Detection && self.group.severity >= Severity::High
    }

    fn key(&self) -> impl Ord + use<> {
        (
            !self.somebody_may_be_in(),
            std::cmp::Reverse(self.group.severity),
            self.stage.map_or(3, |s| s as u8),
            self.minutes.unwrap_or(u32::MAX),
            std::cmp::Reverse(self.group.count),
            self.group.first_seen.clone(),
            self.group.rule.clone(),
        )
    }

    fn reason_before(&self, next: &Today) -> Reason {
        if self.somebody_may_be_in() && !next.somebody_may_be_in() {
            return Reason::SomebodyMayBeIn;
        }
        if self.group.severity != next.group.severity {
            return Reason::MoreSevere(self.group.severity, next.group.severity);
        }
        match (self.stage, next.stage) {
            (Some(a), b) if b != Some(a) => return Reason::EarlierStage(a, b),
            _ => {}
        }
        match (self.minutes, next.minutes) {
            (Some(a), b) if b != Some(a) => return Reason::Quicker(a, b),
            _ => {}
        }
        if self.group.count != next.group.count {
            return Reason::ConcernsMore(self.group.count, next.group.count);
        }
        if self.group.first_seen != next.group.first_seen { Reason::Older } else { Reason::Equal }
    }
}

/// Ranks groups of open findings and keeps the first `limit`.
pub(crate) fn rank(groups: Vec<Group>, catalog: &Catalog, limit: usize) -> Vec<Today> {
    let mut all: Vec<Today> = groups.into_iter().map(|g| Today::new(g, catalog)).collect();
    all.sort_by_cached_key(Today::key);
    let reasons: Vec<Option<Reason>> =
        (0..all.len().min(limit)).map(|i| all.get(i + 1).map(|next| all[i].reason_before(next))).collect();
    all.truncate(limit);
    for (today, reason) in all.iter_mut().zip(reasons) {
        today.before_next = reason;
    }
    all
}

impl Hub {
    /// What to do first, at most `limit` things.
    ///
    /// # Errors
    /// The database's.
    pub async fn today(&self, catalog: &Catalog, limit: usize) -> Result<Vec<Today>, Error> {
        Ok(rank(self.groups(&Filter::open()).await?, catalog, limit))
    }
}
