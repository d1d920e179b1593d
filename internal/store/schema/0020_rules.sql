-- Numbers of detection rules that were given out, for ever: a number never means another rule. content is a hash of what the
-- rule matches.
CREATE TABLE rule_number (
  number  BIGINT NOT NULL PRIMARY KEY,
  content TEXT NOT NULL
);
