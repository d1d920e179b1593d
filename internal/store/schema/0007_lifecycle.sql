-- How indicators age, and what guards them. All indicators are folded again by the program, in the same transaction, into
-- empty tables; their positions wait in indicator_first, which a database of the first schema has already.

CREATE TABLE IF NOT EXISTS indicator_first (
  id       TEXT NOT NULL,
  tlp_lo   BIGINT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (id, tlp_lo)
);

INSERT INTO indicator_first (id, tlp_lo, position) SELECT id, tlp_lo, position FROM indicator;

DELETE FROM indicator;

DELETE FROM profile_indicator;

DELETE FROM indicator_profile;

DROP INDEX IF EXISTS profile_indicator_by_first;

DROP INDEX IF EXISTS indicator_by_first;

DROP INDEX IF EXISTS indicator_by_last;

-- hidden is 0 for what collections show: 1 is added for what every source withdrew, 2 for what a list guards from being
-- shown. confidence is that of fresh evidence, ages_from is when it begins to fall, active_until the last moment above the
-- floor, 0 if it never is: package lifecycle. guard is the name of the list that guards it, "" for none.
ALTER TABLE indicator RENAME COLUMN revoked TO hidden;

ALTER TABLE indicator ADD COLUMN ages_from BIGINT NOT NULL DEFAULT 0;

ALTER TABLE indicator ADD COLUMN guard TEXT NOT NULL DEFAULT '';

ALTER TABLE indicator ADD COLUMN guard_policy TEXT NOT NULL DEFAULT '';

ALTER TABLE profile_indicator RENAME COLUMN revoked TO hidden;

ALTER TABLE profile_indicator ADD COLUMN ages_from BIGINT NOT NULL DEFAULT 0;

ALTER TABLE profile_indicator ADD COLUMN guard TEXT NOT NULL DEFAULT '';

ALTER TABLE profile_indicator ADD COLUMN guard_policy TEXT NOT NULL DEFAULT '';

-- When an indicator was last met in an owner's own data; "" is the installation itself.
CREATE TABLE sighted (
  indicator_id TEXT NOT NULL,
  owner        TEXT NOT NULL,
  last_seen    BIGINT NOT NULL,
  PRIMARY KEY (indicator_id, owner)
);

-- Lists of values that are not to be taken for malicious. chosen is the policy that the operator set, "" for the list's own.
-- entries are compressed, one a line.
CREATE TABLE guard_list (
  name    TEXT NOT NULL PRIMARY KEY,
  owner   TEXT NOT NULL,
  source  TEXT NOT NULL,
  title   TEXT NOT NULL,
  policy  TEXT NOT NULL,
  chosen  TEXT NOT NULL,
  scope   TEXT NOT NULL,
  version TEXT NOT NULL,
  size    BIGINT NOT NULL,
  hash    TEXT NOT NULL,
  entries BLOB NOT NULL
);
