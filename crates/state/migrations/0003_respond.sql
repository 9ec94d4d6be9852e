-- What was changed on purpose: plans, and a row for each call that is durable before the call is made.

CREATE TABLE fix_runs (
    id         TEXT PRIMARY KEY,
    finding    TEXT NOT NULL,
    playbook   TEXT NOT NULL,
    status     TEXT NOT NULL,               -- planned, applying, applied, undoing, undone
    plan       TEXT NOT NULL,               -- JSON, as it was shown
    after      TEXT,                        -- JSON: the states as read back after the last call
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX fix_runs_finding ON fix_runs (finding, created_at);

CREATE TABLE fix_journal (
    run    TEXT NOT NULL,
    phase  TEXT NOT NULL,                   -- apply, undo
    seq    INTEGER NOT NULL,
    call   TEXT NOT NULL,                   -- JSON
    status TEXT NOT NULL,                   -- intended, done, failed
    note   TEXT,
    at     TEXT NOT NULL,
    PRIMARY KEY (run, phase, seq)
) WITHOUT ROWID;
