//! What correlations still have to be judged over.
//!
//! Events that belong together come in different objects and on different days' runs. So a commit notes when its events
//! were that correlations look at, and once a run's events are all in the table, those times are looked at again with
//! what was there before. A kill in between leaves the note, and the next run does what it says.

use crate::error::LakeError;
use crate::lake::Lake;
use yagura_state::Tx;

/// Times, in microseconds since 1970, with events that correlations have not been judged over.
#[derive(Clone, Debug, Default)]
pub struct Owed {
    /// Each with first and last event.
    pub spans: Vec<(i64, i64)>,
    last: i64,
}

impl Owed {
    /// The stretches of time, from first to before last, that must be looked at when events as far apart as `reach` may
    /// belong together; none touches another.
    pub fn stretches(&self, reach: i64) -> Vec<(i64, i64)> {
        let wide = |&(since, until): &(i64, i64)| (since.saturating_sub(reach), until.saturating_add(reach + 1));
        let mut spans: Vec<(i64, i64)> = self.spans.iter().map(wide).collect();
        spans.sort_unstable();
        let mut out: Vec<(i64, i64)> = Vec::new();
        for (since, until) in spans {
            match out.last_mut() {
                Some(last) if since <= last.1 => last.1 = last.1.max(until),
                _ => out.push((since, until)),
            }
        }
        out
    }
}

impl Lake {
    /// Notes, in the transaction that makes events visible, when those were that correlations look at.
    pub async fn owe(&self, tx: &mut Tx, spans: &[(i64, i64)]) -> Result<(), LakeError> {
        for (since, until) in spans {
            sqlx::query("INSERT INTO correlation_spans (since, until) VALUES (?, ?)")
                .bind(since)
                .bind(until)
                .execute(&mut **tx)
                .await
                .map_err(|error| self.state().error("write to", error))?;
        }
        Ok(())
    }

    /// What is noted now.
    pub async fn owed(&self) -> Result<Owed, LakeError> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as("SELECT since, until, id FROM correlation_spans ORDER BY id")
            .fetch_all(self.state().pool())
            .await
            .map_err(|error| self.state().error("read", error))?;
        let last = rows.last().map_or(0, |row| row.2);
        Ok(Owed { spans: rows.into_iter().map(|(since, until, _)| (since, until)).collect(), last })
    }

    /// Strikes out what was noted, in the transaction that stores what was found.
    pub async fn settle(&self, tx: &mut Tx, owed: &Owed) -> Result<(), LakeError> {
        sqlx::query("DELETE FROM correlation_spans WHERE id <= ?")
            .bind(owed.last)
            .execute(&mut **tx)
            .await
            .map_err(|error| self.state().error("write to", error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_reach_out_and_join() {
        let owed = Owed { spans: vec![(100, 200), (1000, 1000), (215, 300)], last: 3 };
        assert_eq!(owed.stretches(10), [(90, 311), (990, 1011)]);
        assert_eq!(Owed { spans: vec![(i64::MIN, i64::MAX)], last: 1 }.stretches(10), [(i64::MIN, i64::MAX)]);
        assert_eq!(Owed::default().stretches(10), []);
    }
}
