-- The orders in which lists of indicators are asked for most. What is behind the id is there for counting.

CREATE INDEX indicator_by_first ON indicator (first_seen, id, tlp_lo, tlp_hi, revoked);

CREATE INDEX indicator_by_last ON indicator (last_seen, id, tlp_lo, tlp_hi, revoked);
