-- What deriving everything leaves, so that a change derives a part: see docs/adr/0012-derive-a-part.md. None of it is
-- needed to answer anybody; if it cannot be trusted, everything is derived again.

-- Records of which a change has not been derived yet. An empty publisher and key stand for all. changed is 0 if the record
-- says what it said, and only what is said of it is another: decisions, evidence, since when it is called what.
CREATE TABLE touched (
  publisher TEXT NOT NULL,
  key       TEXT NOT NULL,
  changed   BIGINT NOT NULL,
  PRIMARY KEY (publisher, key)
);

-- Each record as it was when it was last derived: the profile that it was part of, and by which keys it bears on others.
CREATE TABLE derived_record (
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  num        BIGINT NOT NULL,
  profile_id TEXT NOT NULL,
  keys       BLOB NOT NULL,
  PRIMARY KEY (publisher, key)
);

CREATE INDEX derived_record_by_num ON derived_record (num);

-- Each profile before what people set over it, and what was read to compute it. input identifies what it was given, techniques
-- are those that its records use, ranked those of which it asked the order.
CREATE TABLE derived_profile (
  id         TEXT NOT NULL PRIMARY KEY,
  num        BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  title      TEXT NOT NULL,
  input      TEXT NOT NULL,
  techniques TEXT NOT NULL,
  ranked     TEXT NOT NULL,
  reads      BLOB NOT NULL
);

CREATE INDEX derived_profile_by_num ON derived_profile (num);

-- From the hash of a key to the nums of who has it: of records (part 0), and of profiles that read it (part 1). A bucket
-- holds the hashes that begin alike.
CREATE TABLE derived_index (
  part   BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  body   BLOB NOT NULL,
  PRIMARY KEY (part, bucket)
);
