-- Configured sources. config and state are JSON that the program reads: what people set, and how far the source was read
-- (fingerprints, cursors). run is the run under way, '' if there is none: who sets it holds the feed until that run ends or its
-- process does. due is when the next run is wanted.

CREATE TABLE feed (
  name     TEXT NOT NULL PRIMARY KEY,
  config   TEXT NOT NULL,
  state    TEXT NOT NULL,
  run      TEXT NOT NULL,
  last_run TEXT NOT NULL,
  due      BIGINT NOT NULL,
  failures BIGINT NOT NULL
);

-- owner is the process that a run is of (host/pid/token), alive when it last said that it lives.
ALTER TABLE run ADD COLUMN feed TEXT NOT NULL DEFAULT '';

ALTER TABLE run ADD COLUMN owner TEXT NOT NULL DEFAULT '';

ALTER TABLE run ADD COLUMN alive BIGINT NOT NULL DEFAULT 0;

CREATE INDEX run_by_feed ON run (feed, started);

CREATE INDEX run_by_finished ON run (finished);
