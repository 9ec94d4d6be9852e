-- What was judged, what is open, and what existed when. Times are RFC 3339 UTC text, JSON is text.

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,              -- scan, check, ingest
    started_at  TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    summary     TEXT NOT NULL               -- JSON: what was read, counts by verdict
);

-- The current verdict of each control on each resource. `id` is the finding's id, whatever the verdict.
CREATE TABLE verdicts (
    id        TEXT PRIMARY KEY,
    control   TEXT NOT NULL,
    verdict   INTEGER NOT NULL,             -- 0 PASS, 1 FAIL, 2 NOT_APPLICABLE, 3 UNKNOWN
    account   TEXT,
    region    TEXT,
    type      TEXT NOT NULL,
    resource  TEXT NOT NULL,
    reason_en TEXT NOT NULL,
    reason_ja TEXT NOT NULL,
    run       INTEGER NOT NULL,
    seen_at   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX verdicts_control ON verdicts (control, verdict);
CREATE INDEX verdicts_resource ON verdicts (resource);
CREATE INDEX verdicts_run ON verdicts (account, run);
CREATE INDEX verdicts_blind ON verdicts (account, reason_en, reason_ja, control) WHERE verdict = 3;

-- How many verdicts each control has, kept by triggers: the home page counts none of a million.
CREATE TABLE verdict_counts (
    control TEXT NOT NULL,
    verdict INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (control, verdict)
) WITHOUT ROWID;
CREATE TRIGGER verdict_added AFTER INSERT ON verdicts BEGIN
    INSERT INTO verdict_counts VALUES (NEW.control, NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER verdict_turned AFTER UPDATE OF verdict ON verdicts WHEN OLD.verdict <> NEW.verdict BEGIN
    UPDATE verdict_counts SET n = n - 1 WHERE control = OLD.control AND verdict = OLD.verdict;
    INSERT INTO verdict_counts VALUES (NEW.control, NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER verdict_dropped AFTER DELETE ON verdicts BEGIN
    UPDATE verdict_counts SET n = n - 1 WHERE control = OLD.control AND verdict = OLD.verdict;
END;

CREATE TABLE findings (
    id                TEXT PRIMARY KEY,
    class             TEXT NOT NULL,        -- compliance, detection
    rule              TEXT NOT NULL,
    severity          INTEGER NOT NULL,     -- 0 informational … 4 critical
    status            TEXT NOT NULL,        -- new, notified, suppressed, resolved
    title_en          TEXT NOT NULL,
    title_ja          TEXT NOT NULL,
    reason_en         TEXT NOT NULL,
    reason_ja         TEXT NOT NULL,
    resource          TEXT NOT NULL,
    resource_type     TEXT,
    account           TEXT,
    region            TEXT,
    owner             TEXT,
    evidence          TEXT NOT NULL,
    first_seen        TEXT NOT NULL,
    last_seen         TEXT NOT NULL,
    suppressed_reason TEXT,
    suppressed_until  TEXT,
    resolved_at       TEXT
);
CREATE INDEX findings_first ON findings (rule, class, status, severity, first_seen);
CREATE INDEX findings_last ON findings (rule, class, status, severity, last_seen);
CREATE INDEX findings_rule ON findings (rule, severity DESC, last_seen DESC, id, status);
CREATE INDEX findings_order ON findings (status, severity DESC, last_seen DESC, id);
CREATE INDEX findings_resource ON findings (resource);
CREATE INDEX findings_expiry ON findings (suppressed_until) WHERE status = 'suppressed';

-- How many findings each rule has, kept by triggers, for the same reason as verdict_counts.
CREATE TABLE finding_counts (
    rule     TEXT NOT NULL,
    class    TEXT NOT NULL,
    status   TEXT NOT NULL,
    severity INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (rule, class, status, severity)
) WITHOUT ROWID;

-- What findings name, once each, and searchable by any three letters or more of it.
CREATE TABLE finding_resources (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE finding_resources_text USING fts5 (
    name, content = 'finding_resources', content_rowid = 'id', tokenize = 'trigram'
);
CREATE TRIGGER finding_resource_added AFTER INSERT ON finding_resources BEGIN
    INSERT INTO finding_resources_text (rowid, name) VALUES (NEW.id, NEW.name);
END;

CREATE TRIGGER finding_added AFTER INSERT ON findings BEGIN
    INSERT INTO finding_counts VALUES (NEW.rule, NEW.class, NEW.status, NEW.severity, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO finding_resources (name) VALUES (NEW.resource) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER finding_turned AFTER UPDATE OF status, severity ON findings
WHEN OLD.status <> NEW.status OR OLD.severity <> NEW.severity BEGIN
    UPDATE finding_counts SET n = n - 1
        WHERE rule = OLD.rule AND class = OLD.class AND status = OLD.status AND severity = OLD.severity;
    INSERT INTO finding_counts VALUES (NEW.rule, NEW.class, NEW.status, NEW.severity, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER finding_dropped AFTER DELETE ON findings BEGIN
    UPDATE finding_counts SET n = n - 1
        WHERE rule = OLD.rule AND class = OLD.class AND status = OLD.status AND severity = OLD.severity;
END;

-- Who changed a finding's status, when and why.
CREATE TABLE finding_history (
    finding TEXT NOT NULL,
    at      TEXT NOT NULL,
    what    TEXT NOT NULL,                  -- opened, reopened, notified, suppressed, unsuppressed, resolved
    note    TEXT
);
CREATE INDEX finding_history_finding ON finding_history (finding, at);

CREATE TABLE resources (
    key        TEXT PRIMARY KEY,            -- account, Region and name
    type       TEXT NOT NULL,
    name       TEXT NOT NULL,
    account    TEXT,
    region     TEXT,
    body       TEXT NOT NULL,               -- the resource as `--resources` writes it
    digest     TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen  TEXT NOT NULL,
    gone_at    TEXT
);
CREATE INDEX resources_name ON resources (name);
CREATE INDEX resources_type ON resources (type, name) WHERE gone_at IS NULL;

-- One row each time a resource's configuration was seen to differ.
CREATE TABLE resource_history (
    key    TEXT NOT NULL,
    at     TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (key, at)
) WITHOUT ROWID;

-- What the last run of an account could not read.
CREATE TABLE gaps (
    type    TEXT NOT NULL,
    account TEXT,
    region  TEXT,
    action  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    at      TEXT NOT NULL
);

CREATE TABLE score_history (
    at      TEXT PRIMARY KEY,
    percent INTEGER,
    passed  INTEGER NOT NULL,
    failed  INTEGER NOT NULL,
    unknown INTEGER NOT NULL
);

-- Notices that are owed: written in the transaction that opens the finding, taken off by a delivery.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    message         INTEGER,                -- what goes out as one message, from the first attempt on: its first id
    finding         TEXT NOT NULL,
    notifier        TEXT NOT NULL,
    queued_at       TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT NOT NULL,
    last_error      TEXT,
    delivered_at    TEXT
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE delivered_at IS NULL;
CREATE INDEX outbox_message ON outbox (message);
