-- What changed since a position. Indicators and links say themselves when they began and last changed, so that loading many writes
-- no second row for each; the table of changes keeps what the rows cannot tell: what is gone, and what was served before.

DROP TABLE change;

-- entity is 'profile' (every change), 'indicator.gone', 'link.gone' (scope is then the profile) or 'indicator.was'. The span says which
-- ceilings see the change; a change is never logged for a ceiling that sees the same as before. former is what was served until then: of a profile
-- the dossier, compressed, of an indicator JSON; empty if there was nothing.
CREATE TABLE change (
  entity   TEXT NOT NULL,
  scope    TEXT NOT NULL,
  position BIGINT NOT NULL,
  id       TEXT NOT NULL,
  tlp_lo   BIGINT NOT NULL,
  tlp_hi   BIGINT NOT NULL,
  op       TEXT NOT NULL,
  former   BLOB NOT NULL,
  PRIMARY KEY (entity, scope, position, id, tlp_lo)
);

-- When each position was taken.
CREATE TABLE moment (
  position BIGINT NOT NULL PRIMARY KEY,
  at       BIGINT NOT NULL
);

-- The position in which a row began, for the ceilings of its span; 0: before this was kept.
ALTER TABLE indicator ADD COLUMN born BIGINT NOT NULL DEFAULT 0;

ALTER TABLE profile_indicator ADD COLUMN born BIGINT NOT NULL DEFAULT 0;

ALTER TABLE profile_indicator ADD COLUMN position BIGINT NOT NULL DEFAULT 0;

CREATE INDEX indicator_by_position ON indicator (position, id);

CREATE INDEX profile_indicator_by_position ON profile_indicator (profile_id, position, indicator_id);

-- No change is known up to this position.
INSERT INTO meta (key, value) SELECT 'changes.floor', position || '' FROM head WHERE id = 1;
