-- The home page says how old the logs are, whatever the number of objects.
CREATE INDEX source_objects_by_time ON source_objects (ingested_at);
