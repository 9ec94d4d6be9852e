-- When the events were that correlations still have to be judged over, in microseconds since 1970. A row comes with the
-- events and goes with the findings.
CREATE TABLE correlation_spans (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
);
