//! Temporary stand-in until posture's lands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControlCounts { pub passed: u64, pub failed: u64, pub unknown: u64, pub not_applicable: u64, pub suppressed: u64 }
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlStatus { Passed, Failed, Unknown, NoData }
impl ControlCounts {
    pub fn status(&self) -> ControlStatus {
        if self.failed > 0 { ControlStatus::Failed } else if self.unknown > 0 { ControlStatus::Unknown } else if self.passed > 0 { ControlStatus::Passed } else { ControlStatus::NoData }
    }
}
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score { pub percent: Option<u32>, pub passed: usize, pub failed: usize, pub unknown: usize, pub no_data: usize }
pub fn score<'a>(c: impl Iterator<Item = &'a ControlCounts>) -> Score {
    let mut s = Score::default();
    for c in c { match c.status() { ControlStatus::Passed => s.passed += 1, ControlStatus::Failed => s.failed += 1, ControlStatus::Unknown => s.unknown += 1, ControlStatus::NoData => s.no_data += 1 } }
    let all = s.passed + s.failed + s.unknown;
    s.percent = (all > 0).then(|| ((s.passed * 200 + all) / (2 * all)) as u32);
    s
}
