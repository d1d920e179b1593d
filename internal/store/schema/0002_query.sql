-- What $filter and $orderby read. A profile's collections have tables of their own, led by the profile's key, so that they
-- stand beside it; what is filtered and sorted stands before the bodies, so that a scan need not read those. The
-- program fills the new columns and tables from the stored bodies and evidence, in the same transaction.

ALTER TABLE profile RENAME TO profile_first;

-- slot is a small number for the profile's id, for text_gram. The formats are values of contentFormat. The _sort columns are
-- the first code points of a folded text; those of tradecraft are NULL if there is none.
CREATE TABLE profile (
  id                 TEXT NOT NULL,
  tlp_lo             BIGINT NOT NULL,
  tlp_hi             BIGINT NOT NULL,
  kind               BIGINT NOT NULL,
  title              TEXT NOT NULL,
  title_fold         TEXT NOT NULL,
  first_active       BIGINT NOT NULL,
  first_basis        TEXT NOT NULL,
  slot               BIGINT NOT NULL,
  alias_count        BIGINT NOT NULL,
  target_count       BIGINT NOT NULL,
  origin_count       BIGINT NOT NULL,
  summary_format     BIGINT NOT NULL,
  description_format BIGINT NOT NULL,
  tradecraft_format  BIGINT,
  summary_sort       TEXT NOT NULL,
  description_sort   TEXT NOT NULL,
  tradecraft_sort    TEXT,
  hash               TEXT NOT NULL,
  etag               TEXT NOT NULL,
  position           BIGINT NOT NULL,
  body               BLOB NOT NULL,
  dossier            BLOB NOT NULL,
  PRIMARY KEY (id, tlp_lo)
);

INSERT INTO profile (id, tlp_lo, tlp_hi, kind, title, title_fold, first_active, first_basis, slot, alias_count, target_count, origin_count,
    summary_format, description_format, summary_sort, description_sort, hash, etag, position, body, dossier)
  SELECT id, tlp_lo, tlp_hi, kind, title, title_fold, first_active, first_basis, 0, 0, 0, 0, 0, 0, '', '', hash, etag, position, body, dossier
  FROM profile_first;

DROP TABLE profile_first;

CREATE INDEX profile_by_title ON profile (title_fold, id, tlp_lo, tlp_hi);

CREATE INDEX profile_by_kind ON profile (kind, id, tlp_lo, tlp_hi);

CREATE INDEX profile_by_kind_and_title ON profile (kind, title_fold, id, tlp_lo, tlp_hi);

CREATE INDEX profile_by_slot ON profile (slot, id, tlp_lo, tlp_hi);

-- The elements of collections of strings, in the order in which they are served.
CREATE TABLE profile_value (
  profile_id TEXT NOT NULL,
  tlp_lo     BIGINT NOT NULL,
  tlp_hi     BIGINT NOT NULL,
  property   TEXT NOT NULL,
  n          BIGINT NOT NULL,
  value      TEXT NOT NULL,
  fold       TEXT NOT NULL,
  PRIMARY KEY (profile_id, tlp_lo, property, n)
);

CREATE INDEX profile_value_by_fold ON profile_value (property, fold, profile_id);

CREATE TABLE profile_origin (
  profile_id TEXT NOT NULL,
  tlp_lo     BIGINT NOT NULL,
  tlp_hi     BIGINT NOT NULL,
  n          BIGINT NOT NULL,
  label      TEXT NOT NULL,
  label_fold TEXT NOT NULL,
  code       TEXT NOT NULL,
  code_fold  TEXT NOT NULL,
  PRIMARY KEY (profile_id, tlp_lo, n)
);

CREATE INDEX profile_origin_by_code ON profile_origin (code_fold, profile_id);

CREATE INDEX profile_origin_by_label ON profile_origin (label_fold, profile_id);

-- Which profiles may have a text with three code points in a row: a bit for each slot of the block. A set bit promises nothing,
-- one that is not set does: the text itself is always looked at.
CREATE TABLE text_gram (
  block    BIGINT NOT NULL,
  gram     BIGINT NOT NULL,
  profiles BLOB NOT NULL,
  PRIMARY KEY (block, gram)
);

-- Indicators are folded anew into empty tables; 0004 makes their indexes, which is faster once they are full.
-- artifact_id is the id of the artifact; sighted is when a source first saw the value, 0 if none says so. host_reversed is the host
-- from its last character to its first, so that names under a domain are a range.
ALTER TABLE indicator RENAME TO indicator_first;

CREATE TABLE indicator (
  id            TEXT NOT NULL,
  tlp_lo        BIGINT NOT NULL,
  tlp_hi        BIGINT NOT NULL,
  kind          TEXT NOT NULL,
  value         TEXT NOT NULL,
  host          TEXT NOT NULL,
  host_reversed TEXT NOT NULL,
  artifact_id   TEXT NOT NULL,
  source        TEXT NOT NULL,
  first_seen    BIGINT NOT NULL,
  first_basis   TEXT NOT NULL,
  last_seen     BIGINT NOT NULL,
  sighted       BIGINT NOT NULL,
  active_until  BIGINT NOT NULL,
  confidence    BIGINT NOT NULL,
  revoked       BIGINT NOT NULL,
  hash          TEXT NOT NULL,
  position      BIGINT NOT NULL,
  PRIMARY KEY (id, tlp_lo)
);

DROP TABLE profile_indicator;

CREATE TABLE profile_indicator (
  profile_id   TEXT NOT NULL,
  indicator_id TEXT NOT NULL,
  tlp_lo       BIGINT NOT NULL,
  tlp_hi       BIGINT NOT NULL,
  kind         TEXT NOT NULL,
  value        TEXT NOT NULL,
  artifact_id  TEXT NOT NULL,
  source       TEXT NOT NULL,
  first_seen   BIGINT NOT NULL,
  first_basis  TEXT NOT NULL,
  last_seen    BIGINT NOT NULL,
  sighted      BIGINT NOT NULL,
  active_until BIGINT NOT NULL,
  confidence   BIGINT NOT NULL,
  revoked      BIGINT NOT NULL,
  PRIMARY KEY (profile_id, indicator_id, tlp_lo)
);

DELETE FROM indicator_profile;
