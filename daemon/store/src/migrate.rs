//! The schema's history: an ordered list, each entry applied once, in a transaction of its own.
//!
//! The schema number and the change commit together, so a `kill -9` half-way leaves the older schema whole. A store
//! that a newer program has changed is refused: guessing at columns one does not know loses data.

use rusqlite::{Connection, TransactionBehavior};

use crate::Error;

/// Never edit an entry that was released: add one.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_first.sql")];

/// Marks a file as ours ("RJN1"), so that a mistyped path does not fill somebody else's database with tables.
const APPLICATION_ID: i64 = 0x524A_4E31;

pub(crate) fn migrate(conn: &mut Connection) -> Result<(), Error> {
    apply(conn, MIGRATIONS)
}

/// Refuses what this program cannot read, without changing anything.
pub(crate) fn check(conn: &Connection) -> Result<(), Error> {
    let found = version(conn)?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(Error::Newer { found, known });
    }
    Ok(())
}

pub(crate) fn apply(conn: &mut Connection, migrations: &[&str]) -> Result<(), Error> {
    loop {
        if version(conn)? == migrations.len() as i64 && application(conn)? == APPLICATION_ID {
            return Ok(());
        }
        // Read again inside the transaction: another process may have been faster.
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&tx)?;
        let known = migrations.len() as i64;
        if found > known {
            return Err(Error::Newer { found, known });
        }
        refuse_foreign(&tx, found)?;
        if let Some(sql) = migrations.get(found as usize) {
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "user_version", found + 1)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tracing::info!(schema = found + 1, "store schema brought up to date");
        }
        tx.commit()?;
    }
}

fn refuse_foreign(conn: &Connection, found: i64) -> Result<(), Error> {
    let ours = application(conn)? == APPLICATION_ID;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if ours || (found == 0 && tables == 0) {
        return Ok(());
    }
    Err(Error::Unsupported(
        "the file is an SQLite database of another program; give Rejoin a path of its own in `store.url`"
            .into(),
    ))
}

fn version(conn: &Connection) -> Result<i64, Error> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn application(conn: &Connection) -> Result<i64, Error> {
    Ok(conn.pragma_query_value(None, "application_id", |row| row.get(0))?)
}
