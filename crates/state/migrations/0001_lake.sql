-- The Iceberg catalog, in the schema (v1) that PyIceberg's SqlCatalog and the Java JDBC catalog read, so that any of
-- them opens our tables from this very file.
CREATE TABLE iceberg_tables (
    catalog_name               VARCHAR(255) NOT NULL,
    table_namespace            VARCHAR(255) NOT NULL,
    table_name                 VARCHAR(255) NOT NULL,
    metadata_location          VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type               VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);

CREATE TABLE iceberg_namespace_properties (
    catalog_name   VARCHAR(255)  NOT NULL,
    namespace      VARCHAR(255)  NOT NULL,
    property_key   VARCHAR(255)  NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);

-- What has been read from a source. A row appears in the transaction that makes the object's events visible, so an
-- object without a row has left nothing behind.
CREATE TABLE source_objects (
    source      TEXT    NOT NULL,             -- `file`, `stdin`, `s3://bucket`
    key         TEXT    NOT NULL,             -- absolute path, or key in the bucket
    digest      TEXT    NOT NULL,             -- SHA-256 of the bytes as stored, hex
    etag        TEXT,                         -- what the source calls this version of the object
    size        INTEGER NOT NULL,             -- bytes as stored
    status      TEXT    NOT NULL CHECK (status IN ('ingested', 'duplicate', 'partial', 'quarantined')),
    records     INTEGER NOT NULL DEFAULT 0,   -- records that could be read
    events      INTEGER NOT NULL DEFAULT 0,   -- of these, new in the lake
    bad_records INTEGER NOT NULL DEFAULT 0,
    ingested_at TEXT    NOT NULL,             -- RFC 3339 UTC
    PRIMARY KEY (source, key, digest)
) WITHOUT ROWID;
CREATE INDEX source_objects_by_digest ON source_objects (digest);

-- Objects of which something could not be parsed, kept whole as they were for a replay.
CREATE TABLE quarantine (
    digest      TEXT    NOT NULL PRIMARY KEY,  -- of the object, as in source_objects
    source      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    file        TEXT    NOT NULL,              -- relative to the data directory's quarantine folder
    size        INTEGER NOT NULL,
    bad_records INTEGER NOT NULL,
    reason      TEXT    NOT NULL,              -- of the first
    found_at    TEXT    NOT NULL,              -- RFC 3339 UTC
    replayed_at TEXT                           -- when all of it could be read after all
) WITHOUT ROWID;
