//! The score, by AWS Security Hub's rules (user guide, "Determining security scores" and "Evaluating compliance status
//! and control status"), and the roadmap: the same statuses by stage.

use crate::{Framework, Rulebook, Stage};
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::Verdict;

/// One verdict as the score counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictRow<'a> {
    pub control: &'a str,
    pub verdict: Verdict,
    /// Suppressed by a person: it doesn't count.
    pub suppressed: bool,
}

/// What all verdicts of a control come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControlStatus {
    /// At least one resource fails.
    Failed,
    /// None fails and at least one can't be told.
    Unknown,
    /// All pass.
    Passed,
    /// Nothing to judge, or all of it suppressed.
    NoData,
    /// Switched off by the team.
    Disabled,
}

impl ControlStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            ControlStatus::Failed => "failed",
            ControlStatus::Unknown => "unknown",
            ControlStatus::Passed => "passed",
            ControlStatus::NoData => "no_data",
            ControlStatus::Disabled => "disabled",
        }
    }
}

/// The parts of the score's sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub passed: usize,
    pub failed: usize,
    pub unknown: usize,
    /// Left out of the sum, like `disabled`.
    pub no_data: usize,
    pub disabled: usize,
    /// Every control with its status, by id.
    pub controls: BTreeMap<String, ControlStatus>,
}

impl Score {
    /// Counts the verdicts of `controls`; rows of other controls are left out. A verdict that is not applicable is like
    /// an archived finding: it doesn't count.
    pub fn of<'a>(
        controls: impl IntoIterator<Item = &'a str>,
        rows: impl IntoIterator<Item = VerdictRow<'a>>,
        disabled: &BTreeSet<String>,
    ) -> Score {
        let mut statuses: BTreeMap<&str, ControlStatus> =
            controls.into_iter().map(|id| (id, ControlStatus::NoData)).collect();
        for row in rows {
            let status = match row.verdict {
                _ if row.suppressed => continue,
                Verdict::NotApplicable => continue,
                Verdict::Fail => ControlStatus::Failed,
                Verdict::Unknown => ControlStatus::Unknown,
                Verdict::Pass => ControlStatus::Passed,
            };
            // The enum's order is the order of precedence.
            if let Some(known) = statuses.get_mut(row.control) {
                *known = status.min(*known);
            }
        }
        let mut score = Score::default();
        for (id, status) in statuses {
            let status = if disabled.contains(id) { ControlStatus::Disabled } else { status };
            score.count(status);
            score.controls.insert(id.to_owned(), status);
        }
        score
    }

    /// Passed / (Passed + Failed + Unknown) in whole percent; `None` when nothing was judged.
    pub fn percent(&self) -> Option<u32> {
        let judged = self.passed + self.failed + self.unknown;
        let rounded = (self.passed * 200 + judged).checked_div(judged * 2)?;
        u32::try_from(rounded).ok()
    }

    /// The same over the controls of a framework only.
    pub fn of_framework(&self, framework: &Framework) -> Score {
        let mut score = Score::default();
        for id in framework.controls() {
            if let Some(status) = self.controls.get(id) {
                score.count(*status);
                score.controls.insert(id.to_owned(), *status);
            }
        }
        score
    }

    fn count(&mut self, status: ControlStatus) {
        *match status {
            ControlStatus::Passed => &mut self.passed,
            ControlStatus::Failed => &mut self.failed,
            ControlStatus::Unknown => &mut self.unknown,
            ControlStatus::NoData => &mut self.no_data,
            ControlStatus::Disabled => &mut self.disabled,
        } += 1;
    }
}

/// How far one stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageCounts {
    pub stage: Stage,
    pub passed: usize,
    pub failed: usize,
    pub unknown: usize,
    pub no_data: usize,
    pub disabled: usize,
}

/// The three stages in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roadmap {
    pub stages: Vec<StageCounts>,
}

impl Rulebook {
    /// The score of all controls.
    pub fn score<'a>(&'a self, rows: impl IntoIterator<Item = VerdictRow<'a>>, disabled: &BTreeSet<String>) -> Score {
        Score::of(self.controls().iter().map(|control| control.id.as_str()), rows, disabled)
    }

    /// The stages, from the statuses of a score.
    pub fn roadmap(&self, score: &Score) -> Roadmap {
        let stages = Stage::ALL.iter().map(|stage| {
            let mut part = Score::default();
            for control in self.controls().iter().filter(|control| control.stage == *stage) {
                part.count(score.controls.get(&control.id).copied().unwrap_or(ControlStatus::NoData));
            }
            StageCounts {
                stage: *stage,
                passed: part.passed,
                failed: part.failed,
                unknown: part.unknown,
                no_data: part.no_data,
                disabled: part.disabled,
            }
        });
        Roadmap { stages: stages.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(control: &str, verdict: Verdict, suppressed: bool) -> VerdictRow<'_> {
        VerdictRow { control, verdict, suppressed }
    }

    #[test]
    fn statuses_follow_security_hub() {
        use Verdict::{Fail, NotApplicable, Pass, Unknown};
        let rows = [
            row("fails", Pass, false),
            row("fails", Unknown, false),
            row("fails", Fail, false),
            row("unknown", Pass, false),
            row("unknown", Unknown, false),
            row("suppressed failure", Fail, true),
            row("suppressed failure", Pass, false),
            row("all suppressed", Fail, true),
            row("not applicable", NotApplicable, false),
            row("off", Fail, false),
            row("foreign", Fail, false),
        ];
        let ids = ["fails", "unknown", "suppressed failure", "all suppressed", "not applicable", "off", "none"];
        let score = Score::of(ids, rows, &BTreeSet::from(["off".to_owned()]));
        assert_eq!(score.controls["fails"], ControlStatus::Failed);
        assert_eq!(score.controls["unknown"], ControlStatus::Unknown);
        assert_eq!(score.controls["suppressed failure"], ControlStatus::Passed);
        assert_eq!(score.controls["all suppressed"], ControlStatus::NoData);
        assert_eq!(score.controls["not applicable"], ControlStatus::NoData);
        assert_eq!(score.controls["off"], ControlStatus::Disabled);
        assert!(!score.controls.contains_key("foreign"));
        assert_eq!((score.passed, score.failed, score.unknown, score.no_data, score.disabled), (1, 1, 1, 3, 1));
        assert_eq!(score.percent(), Some(33));
    }

    #[test]
    fn rounds_as_the_user_guides_examples() {
        let score = |passed, failed, unknown| Score { passed, failed, unknown, ..Score::default() }.percent();
        assert_eq!(score(168, 22, 0), Some(88));
        assert_eq!(score(357, 158, 0), Some(69));
        assert_eq!(score(1, 0, 1), Some(50));
        assert_eq!(score(0, 0, 0), None);
    }
}
