-- The indexes of the tables that the second file made and the program filled. IF EXISTS is for databases of development that
-- have them in another form. indicator_first stays until 0008.

DROP INDEX IF EXISTS indicator_by_host_reversed;

DROP INDEX IF EXISTS indicator_by_artifact;

DROP INDEX IF EXISTS profile_indicator_by_first;

CREATE INDEX indicator_by_host_reversed ON indicator (host_reversed, id);

CREATE INDEX indicator_by_artifact ON indicator (SUBSTR(artifact_id, 1, 64), id);

-- What is behind the id is there for counting, which then reads nothing else.
CREATE INDEX profile_indicator_by_first ON profile_indicator (profile_id, first_seen, indicator_id, tlp_lo, tlp_hi, revoked);
