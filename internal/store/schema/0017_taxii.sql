-- When things were added to what is served as collections, for readers that go by time.

-- The position in which anything that is told of the indicator last changed: the row itself, its marking, which profiles it is
-- linked to, or what sort of thing those are. marking is the lowest ceiling that sees the same of it.
ALTER TABLE indicator ADD COLUMN told BIGINT NOT NULL DEFAULT 0;

ALTER TABLE indicator ADD COLUMN marking BIGINT NOT NULL DEFAULT 0;

UPDATE indicator SET told = position, marking = tlp_lo;

CREATE INDEX indicator_by_told ON indicator (told, id);

CREATE INDEX profile_by_position ON profile (position, id);

CREATE INDEX change_by_position ON change (entity, position, id);

-- What changed in a position was added in the span of so many microseconds behind added, each thing at its place in the order of
-- ids. The spans of positions never overlap, whatever the clock did. Moments are kept for ever.
ALTER TABLE moment ADD COLUMN added BIGINT NOT NULL DEFAULT 0;

ALTER TABLE moment ADD COLUMN span BIGINT NOT NULL DEFAULT 0;

CREATE INDEX moment_by_added ON moment (added, position);

-- Collections that the operator defined. filter is that of the API's collection of indicators, "" for all; profile an id, "" for all.
CREATE TABLE taxii_collection (
  name    TEXT NOT NULL PRIMARY KEY,
  title   TEXT NOT NULL,
  filter  TEXT NOT NULL,
  profile TEXT NOT NULL,
  made    BIGINT NOT NULL
);
