-- Indicators that were met in an owner's own data; no release has filled the first form of the table.

DROP TABLE sighting;

-- One indicator, host, direction and field on one day (UTC; day 0: the log tells no time). id is made of these and of the owner. marks are keyed
-- hashes of the lines that were counted, 8 bytes each, sorted: all of them, or the smallest, from which the number is then estimated. at is
-- what rows are sorted by and how old they are: last_seen, or when it was saved.
CREATE TABLE sighting (
  indicator_id TEXT NOT NULL,
  id           TEXT NOT NULL,
  owner        TEXT NOT NULL,
  kind         TEXT NOT NULL,
  value        TEXT NOT NULL,
  host         TEXT NOT NULL,
  direction    TEXT NOT NULL,
  field        TEXT NOT NULL,
  day          BIGINT NOT NULL,
  first_seen   BIGINT NOT NULL,
  last_seen    BIGINT NOT NULL,
  at           BIGINT NOT NULL,
  lines        BIGINT NOT NULL,
  marks        BLOB NOT NULL,
  log          TEXT NOT NULL,
  origin       TEXT NOT NULL,
  saved_by     TEXT NOT NULL,
  saved        BIGINT NOT NULL,
  PRIMARY KEY (indicator_id, id)
);

CREATE INDEX sighting_by_time ON sighting (at, id);

CREATE INDEX sighting_by_host ON sighting (host, at);
