//! Samples grow old: ten of a second become one of ten.

use rusqlite::{Connection, TransactionBehavior, params};
use throng_metrics::Totals;

use crate::blob;
use crate::error::StoreError;
use crate::fit::Fit;
use crate::run::RunId;

/// Samples that began longer ago than this are joined.
pub(crate) const NEW_MS: i64 = 3_600_000;
/// The length of a sample that was joined.
pub(crate) const JOINED_MS: i64 = 10_000;

/// Joins the samples that began in the ten seconds from `from_ms`; those of different phases stay apart.
pub(crate) fn join(
    connection: &mut Connection,
    run: RunId,
    from_ms: i64,
    fit: &mut Fit,
) -> Result<(), StoreError> {
    // What reads first and then writes is refused at once when another process wrote in between.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for group in groups(&transaction, run, from_ms)? {
        if group.rows.len() < 2 {
            continue;
        }
        let mut totals = Totals::default();
        for (at_ms, data) in &group.rows {
            totals.absorb(&blob::unpacked(data).map_err(|why| damaged(run, *at_ms, why))?);
        }
        let joined = fit.packed(&mut totals).map_err(|why| damaged(run, group.rows[0].0, why))?;
        let (first, last) = (group.rows[0].0, group.rows[group.rows.len() - 1].0);
        transaction
            .execute("DELETE FROM samples WHERE run = ? AND at_ms BETWEEN ? AND ?", (run.0, first, last))?;
        transaction.execute(
            "INSERT INTO samples (run, at_ms, took_ms, phase, data) VALUES (?, ?, ?, ?, ?)",
            params![run.0, first, group.took_ms, group.phase, joined],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

fn damaged(run: RunId, at_ms: i64, why: String) -> StoreError {
    StoreError::Sample { run: run.0, at_s: u64::try_from(at_ms / 1_000).unwrap_or(0), why }
}

/// Neighbours of one phase.
struct Group {
    phase: String,
    took_ms: i64,
    rows: Vec<(i64, Vec<u8>)>,
}

fn groups(connection: &Connection, run: RunId, from_ms: i64) -> Result<Vec<Group>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT at_ms, took_ms, phase, data FROM samples WHERE run = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms",
    )?;
    let mut rows = query.query((run.0, from_ms, from_ms + JOINED_MS))?;
    let mut groups: Vec<Group> = Vec::new();
    while let Some(row) = rows.next()? {
        let (at_ms, took_ms, phase, data) =
            (row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get(3)?);
        match groups.last_mut().filter(|group| group.phase == phase) {
            Some(group) => {
                group.took_ms += took_ms;
                group.rows.push((at_ms, data));
            }
            None => groups.push(Group { phase, took_ms, rows: vec![(at_ms, data)] }),
        }
    }
    Ok(groups)
}
