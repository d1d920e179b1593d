-- Since when and until when a publisher called a record something, over all the
-- versions that were imported; the name '' is the record itself. The dates are the
-- publisher's own where it has any: the basis says what they rest on.
CREATE TABLE assertion (
  publisher   TEXT NOT NULL,
  key         TEXT NOT NULL,
  name        TEXT NOT NULL,
  tlp         BIGINT NOT NULL,
  coined_by   TEXT NOT NULL,
  relation    TEXT NOT NULL,
  first       BIGINT NOT NULL,
  first_basis TEXT NOT NULL,
  last        BIGINT NOT NULL,
  last_basis  TEXT NOT NULL,
  PRIMARY KEY (publisher, key, name, tlp)
);
