//! The schema keeps its promises: every table says who owns its rows, and its keys begin accordingly.

use rusqlite::Connection;

const SQL: &str = include_str!("../../migrations/sqlite/0001_first.sql");

/// Tables and the owner the line before `CREATE TABLE` names.
fn owners() -> Vec<(&'static str, &'static str)> {
    let mut owner = None;
    let mut tables = Vec::new();
    for line in SQL.lines() {
        if let Some(named) = line.strip_prefix("-- owned by: ") {
            owner = Some(named);
        } else if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            let table = rest.trim_end_matches(" (");
            tables.push((table, owner.take().unwrap_or_else(|| panic!("{table} names no owner"))));
        }
    }
    tables
}

/// The columns of every unique index of a table, its primary key included.
fn unique_keys(db: &Connection, table: &str) -> Vec<Vec<String>> {
    let mut keys =
        vec![strings(db, "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", table)];
    for index in strings(db, "SELECT name FROM pragma_index_list(?1) WHERE \"unique\"", table) {
        keys.push(strings(db, "SELECT name FROM pragma_index_info(?1) ORDER BY seqno", &index));
    }
    keys
}

fn strings(db: &Connection, sql: &str, param: &str) -> Vec<String> {
    let mut query = db.prepare(sql).unwrap();
    query.query_map([param], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn keys_begin_with_their_owner() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(SQL).unwrap();
    let tables = owners();
    let all =
        strings(&db, "SELECT name FROM sqlite_schema WHERE type = ?1 AND name NOT LIKE 'sqlite_%'", "table");
    assert_eq!(tables.len(), all.len());
    for (table, owner) in tables {
        let first = match owner {
            "customer" => "customer_id",
            "record" => "record_id",
            "queue" => "bucket",
            "value" | "reference" => continue,
            other => panic!("{table} is owned by {other:?}, which means nothing"),
        };
        for key in unique_keys(&db, table) {
            assert_eq!(key.first().map(String::as_str), Some(first), "{table}: {key:?}");
        }
    }
}

#[test]
fn nothing_a_distributed_store_would_refuse() {
    let statements: String = SQL.lines().filter(|line| !line.starts_with("--")).collect();
    let upper = statements.to_uppercase();
    for word in ["REFERENCES", "TRIGGER", "CURRENT_TIME", "NOW()", "AUTOINCREMENT", "SERIAL"] {
        assert!(!upper.contains(word), "{word}");
    }
}
