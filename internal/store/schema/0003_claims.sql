-- Claims of people: their marking, the client's name, and for links the indicator.

ALTER TABLE analyst_claim ADD COLUMN tlp BIGINT NOT NULL DEFAULT 0;

ALTER TABLE analyst_claim ADD COLUMN name TEXT NOT NULL DEFAULT '';

ALTER TABLE analyst_claim ADD COLUMN link TEXT NOT NULL DEFAULT '';

CREATE INDEX analyst_claim_by_target ON analyst_claim (target);

CREATE INDEX analyst_claim_by_link ON analyst_claim (link);

CREATE INDEX profile_key_by_profile ON profile_key (profile_id);

CREATE INDEX member_by_profile ON member (profile_id);
