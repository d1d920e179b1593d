-- The first schema. One statement per Exec; keys are text made by Go; times are
-- integer milliseconds; TLP spans [tlp_lo, tlp_hi] say for which ceilings a
-- derived row is the right one. Portable to PostgreSQL as it stands.

CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- The one order of changes: a transaction takes its position by updating this row, last.
CREATE TABLE head (
  id       BIGINT NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL
);

INSERT INTO head (id, position) VALUES (1, 0);

-- ---------------------------------------------------------------- claims in

-- tlp is the lowest marking of anything that the publisher has said here: below
-- it nobody learns of the publisher.
CREATE TABLE publisher (
  id    TEXT NOT NULL PRIMARY KEY,
  rank  BIGINT NOT NULL,
  body  TEXT NOT NULL,
  tlp   BIGINT NOT NULL,
  first BIGINT NOT NULL
);

CREATE TABLE dataset (
  publisher TEXT NOT NULL,
  name      TEXT NOT NULL,
  version   TEXT NOT NULL,
  released  BIGINT NOT NULL,
  snapshot  BIGINT NOT NULL,
  layer     BIGINT NOT NULL,
  imported  BIGINT NOT NULL,
  PRIMARY KEY (publisher, name)
);

-- The current version of each record, as each data set of its publisher has it.
CREATE TABLE record (
  publisher TEXT NOT NULL,
  key       TEXT NOT NULL,
  dataset   TEXT NOT NULL,
  kind      TEXT NOT NULL,
  title     TEXT NOT NULL,
  tlp       BIGINT NOT NULL,
  modified  BIGINT NOT NULL,
  layer     BIGINT NOT NULL,
  hash      TEXT NOT NULL,
  body      BLOB NOT NULL,
  imported  BIGINT NOT NULL,
  absent    BIGINT NOT NULL,
  PRIMARY KEY (publisher, key, dataset)
);

-- Former versions, with the time in which they were current here.
CREATE TABLE record_version (
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  dataset    TEXT NOT NULL,
  hash       TEXT NOT NULL,
  modified   BIGINT NOT NULL,
  body       BLOB NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (publisher, key, dataset, valid_to, hash)
);

-- Which profile a record was first part of: input to resolution, outlives removals.
CREATE TABLE ledger (
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  profile_id TEXT NOT NULL,
  asserted   BIGINT NOT NULL,
  PRIMARY KEY (publisher, key)
);

-- What a publisher says of an observable, tied to whom. dataset is the snapshot
-- that the row stands in, '' for what only adds.
CREATE TABLE evidence (
  indicator_id      TEXT NOT NULL,
  publisher         TEXT NOT NULL,
  dataset           TEXT NOT NULL,
  subject_publisher TEXT NOT NULL,
  subject_key       TEXT NOT NULL,
  kind              TEXT NOT NULL,
  value             TEXT NOT NULL,
  first_seen        BIGINT NOT NULL,
  first_precision   TEXT NOT NULL,
  first_basis       TEXT NOT NULL,
  last_seen         BIGINT NOT NULL,
  valid_until       BIGINT NOT NULL,
  confidence        BIGINT NOT NULL,
  tlp               BIGINT NOT NULL,
  source            TEXT NOT NULL,
  reference         TEXT NOT NULL,
  context           TEXT NOT NULL,
  revoked           BIGINT NOT NULL,
  modified          BIGINT NOT NULL,
  imported          BIGINT NOT NULL,
  absent            BIGINT NOT NULL,
  PRIMARY KEY (indicator_id, publisher, subject_publisher, subject_key)
);

CREATE INDEX evidence_by_subject ON evidence (subject_publisher, subject_key, publisher, indicator_id);

-- What people write: claims of the publisher "analyst".
CREATE TABLE analyst_claim (
  id        TEXT NOT NULL PRIMARY KEY,
  owner     TEXT NOT NULL,
  target    TEXT NOT NULL,
  field     TEXT NOT NULL,
  action    TEXT NOT NULL,
  value     TEXT NOT NULL,
  client    TEXT NOT NULL,
  made      BIGINT NOT NULL,
  withdrawn BIGINT NOT NULL
);

-- API clients. Of the secret only its SHA-256 is kept; times of 0 are "never".
CREATE TABLE client (
  id        TEXT NOT NULL PRIMARY KEY,
  owner     TEXT NOT NULL,
  name      TEXT NOT NULL,
  name_key  TEXT NOT NULL,
  tlp       BIGINT NOT NULL,
  scopes    TEXT NOT NULL,
  rate      BIGINT NOT NULL,
  secret    TEXT NOT NULL,
  created   BIGINT NOT NULL,
  expires   BIGINT NOT NULL,
  revoked   BIGINT NOT NULL,
  last_used BIGINT NOT NULL
);

CREATE INDEX client_by_name ON client (name_key);

-- Keys that sign tokens, sealed by a key that is not in the database.
CREATE TABLE signing_key (
  id      TEXT NOT NULL PRIMARY KEY,
  created BIGINT NOT NULL,
  public  TEXT NOT NULL,
  sealed  BLOB NOT NULL
);

CREATE TABLE sighting (
  id           TEXT NOT NULL PRIMARY KEY,
  owner        TEXT NOT NULL,
  indicator_id TEXT NOT NULL,
  body         TEXT NOT NULL
);

CREATE TABLE run (
  id       TEXT NOT NULL PRIMARY KEY,
  started  BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  body     TEXT NOT NULL
);

-- -------------------------------------------------------------- answers out

-- Indicators whose evidence, or whose subjects' profiles, changed and that are to be folded again.
CREATE TABLE pending (
  indicator_id TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE profile (
  id           TEXT NOT NULL,
  tlp_lo       BIGINT NOT NULL,
  tlp_hi       BIGINT NOT NULL,
  kind         BIGINT NOT NULL,
  title        TEXT NOT NULL,
  title_fold   TEXT NOT NULL,
  first_active BIGINT NOT NULL,
  first_basis  TEXT NOT NULL,
  body         BLOB NOT NULL,
  dossier      BLOB NOT NULL,
  hash         TEXT NOT NULL,
  etag         TEXT NOT NULL,
  position     BIGINT NOT NULL,
  PRIMARY KEY (id, tlp_lo)
);

-- The spans stand in the indexes so that counting reads nothing else.
CREATE INDEX profile_by_title ON profile (title_fold, id, tlp_lo, tlp_hi);

CREATE INDEX profile_by_kind ON profile (kind, id, tlp_lo, tlp_hi);

CREATE INDEX profile_by_kind_and_title ON profile (kind, title_fold, id, tlp_lo, tlp_hi);

-- The folded texts that $search looks through, by property; "names" holds every name claim.
CREATE TABLE profile_text (
  profile_id TEXT NOT NULL,
  tlp_lo     BIGINT NOT NULL,
  tlp_hi     BIGINT NOT NULL,
  field      TEXT NOT NULL,
  text       TEXT NOT NULL,
  PRIMARY KEY (profile_id, tlp_lo, field)
);

-- Every id that leads to a profile: its own, superseded ones, those of its records.
CREATE TABLE profile_key (
  id         TEXT NOT NULL,
  tlp_lo     BIGINT NOT NULL,
  tlp_hi     BIGINT NOT NULL,
  profile_id TEXT NOT NULL,
  PRIMARY KEY (id, tlp_lo)
);

-- Which profile a record belongs to.
CREATE TABLE member (
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  tlp_lo     BIGINT NOT NULL,
  tlp_hi     BIGINT NOT NULL,
  profile_id TEXT NOT NULL,
  PRIMARY KEY (publisher, key, tlp_lo)
);

CREATE TABLE profile_name (
  name_key   TEXT NOT NULL,
  profile_id TEXT NOT NULL,
  tlp_lo     BIGINT NOT NULL,
  tlp_hi     BIGINT NOT NULL,
  alias      BIGINT NOT NULL,
  PRIMARY KEY (name_key, profile_id, tlp_lo)
);

CREATE TABLE indicator (
  id           TEXT NOT NULL,
  tlp_lo       BIGINT NOT NULL,
  tlp_hi       BIGINT NOT NULL,
  kind         TEXT NOT NULL,
  value        TEXT NOT NULL,
  host         TEXT NOT NULL,
  source       TEXT NOT NULL,
  first_seen   BIGINT NOT NULL,
  first_basis  TEXT NOT NULL,
  last_seen    BIGINT NOT NULL,
  active_until BIGINT NOT NULL,
  confidence   BIGINT NOT NULL,
  revoked      BIGINT NOT NULL,
  hash         TEXT NOT NULL,
  position     BIGINT NOT NULL,
  PRIMARY KEY (id, tlp_lo)
);

CREATE INDEX indicator_by_host ON indicator (host, id);

-- By profile id, with copies of what can be filtered, so that a page is one range.
CREATE TABLE profile_indicator (
  profile_id   TEXT NOT NULL,
  indicator_id TEXT NOT NULL,
  tlp_lo       BIGINT NOT NULL,
  tlp_hi       BIGINT NOT NULL,
  kind         TEXT NOT NULL,
  value        TEXT NOT NULL,
  source       TEXT NOT NULL,
  first_seen   BIGINT NOT NULL,
  first_basis  TEXT NOT NULL,
  last_seen    BIGINT NOT NULL,
  active_until BIGINT NOT NULL,
  confidence   BIGINT NOT NULL,
  revoked      BIGINT NOT NULL,
  PRIMARY KEY (profile_id, indicator_id, tlp_lo)
);

CREATE INDEX profile_indicator_by_first ON profile_indicator (profile_id, first_seen, indicator_id);

-- The same pairs by indicator id, so that a look-up by value asks one place.
CREATE TABLE indicator_profile (
  indicator_id TEXT NOT NULL,
  profile_id   TEXT NOT NULL,
  tlp_lo       BIGINT NOT NULL,
  tlp_hi       BIGINT NOT NULL,
  PRIMARY KEY (indicator_id, profile_id, tlp_lo)
);

CREATE TABLE change (
  position BIGINT NOT NULL,
  entity   TEXT NOT NULL,
  id       TEXT NOT NULL,
  op       TEXT NOT NULL,
  tlp_lo   BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  PRIMARY KEY (position, entity, id, tlp_lo)
);
