-- The indexes of what 0007 filled, which is faster once it is full. What stands behind the id is there for counting, and for
-- what views ask: shown is hidden = 0, and active is active_until above now.

DROP TABLE indicator_first;

CREATE INDEX profile_indicator_by_first ON profile_indicator (profile_id, first_seen, indicator_id, tlp_lo, tlp_hi, hidden, active_until);

CREATE INDEX indicator_by_first ON indicator (first_seen, id, tlp_lo, tlp_hi, hidden, active_until);

CREATE INDEX indicator_by_last ON indicator (last_seen, id, tlp_lo, tlp_hi, hidden, active_until);
