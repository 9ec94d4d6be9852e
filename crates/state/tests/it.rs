use yagura_state::{State, StateError};

async fn tables(state: &State) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .fetch_all(state.pool())
        .await
        .expect("works")
}

#[tokio::test]
async fn opening_creates_the_schema_once_with_durable_settings() {
    let folder = tempfile::tempdir().expect("works");
    let path = folder.path().join("new/yagura.db");
    let state = State::open(&path).await.expect("works");
    let first = tables(&state).await;
    for expected in ["iceberg_namespace_properties", "iceberg_tables", "quarantine", "source_objects"] {
        assert!(first.iter().any(|name| name == expected), "{first:?}");
    }
    let pragma = |sql: &'static str| {
        let pool = state.pool().clone();
        async move { sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.expect("works") }
    };
    assert_eq!(pragma("PRAGMA synchronous").await, 2);
    assert_eq!(pragma("PRAGMA foreign_keys").await, 1);
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(state.pool()).await.expect("works");
    assert_eq!(mode, "wal");
    state.close().await;
    assert_eq!(tables(&State::open(&path).await.expect("works")).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_open_a_new_database_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("works");
        for state in opened_at_once(folder.path().join("yagura.db")).await {
            assert!(tables(&state.expect("works")).await.len() > 4);
        }
    }
}

async fn opened_at_once(path: std::path::PathBuf) -> Vec<Result<State, StateError>> {
    let handles: Vec<_> = (0..8).map(|_| tokio::spawn(State::open(path.clone()))).collect();
    let mut opened = Vec::new();
    for handle in handles {
        opened.push(handle.await.expect("works"));
    }
    opened
}

#[tokio::test]
async fn a_rolled_back_transaction_leaves_nothing() {
    let folder = tempfile::tempdir().expect("works");
    let state = State::open_in(folder.path()).await.expect("works");
    let insert = "INSERT INTO source_objects (source, key, digest, size, status, ingested_at)
                  VALUES ('file', '/a', 'd', 1, 'ingested', '2026-01-01T00:00:00Z')";
    let mut tx = state.write().await.expect("works");
    sqlx::query(insert).execute(&mut *tx).await.expect("works");
    drop(tx);
    let count = || async {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM source_objects")
            .fetch_one(state.pool())
            .await
            .expect("works")
    };
    assert_eq!(count().await, 0);
    let mut tx = state.write().await.expect("works");
    sqlx::query(insert).execute(&mut *tx).await.expect("works");
    state.commit(tx).await.expect("works");
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn what_is_no_database_is_said_so() {
    let folder = tempfile::tempdir().expect("works");
    let path = folder.path().join("yagura.db");
    std::fs::write(&path, "Dear diary, today I was not a database. ".repeat(100)).expect("works");
    let error = State::open(&path).await.expect_err("fails");
    assert!(matches!(error, StateError::NotADatabase { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("works");
    let state = State::open_in(folder.path()).await.expect("works");
    sqlx::query("INSERT INTO schema_migrations VALUES (9999, 'from the future', '2040-01-01T00:00:00Z')")
        .execute(state.pool())
        .await
        .expect("works");
    state.close().await;
    let error = State::open_in(folder.path()).await.expect_err("fails");
    assert!(matches!(error, StateError::NewerSchema { found: 9999, .. }), "{error}");
}
