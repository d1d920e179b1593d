-- What sources say to look for that is no plain value: kept as it is written. id is a digest of publisher, key and text; several
-- patterns may have one key.
CREATE TABLE pattern (
  id         TEXT NOT NULL PRIMARY KEY,
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  type       TEXT NOT NULL,
  name       TEXT NOT NULL,
  reason     TEXT NOT NULL,
  reference  TEXT NOT NULL,
  tlp        BIGINT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  modified   BIGINT NOT NULL,
  revoked    BIGINT NOT NULL,
  hash       TEXT NOT NULL,
  body       BLOB NOT NULL
);

CREATE INDEX pattern_by_ref ON pattern (publisher, key);

CREATE TABLE pattern_subject (
  pattern_id TEXT NOT NULL,
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  tlp        BIGINT NOT NULL,
  PRIMARY KEY (pattern_id, publisher, key)
);

CREATE INDEX pattern_subject_by_ref ON pattern_subject (publisher, key, pattern_id);
