-- What became of inputs that were read, so that the same bytes need not be decoded again. name is a digest of the path and of
-- all that was asked for, content one of the bytes; program is the digest of the program that read them. standing has, as JSON,
-- how often the claims that it rests on had moved when it was read; body, compressed, is the program's own account.
CREATE TABLE reading (
  name     TEXT NOT NULL PRIMARY KEY,
  size     BIGINT NOT NULL,
  content  TEXT NOT NULL,
  program  TEXT NOT NULL,
  standing TEXT NOT NULL,
  body     BLOB NOT NULL,
  at       BIGINT NOT NULL
);

-- How often claims of a publisher, or of a data set, were replaced or taken back, rather than added to.
CREATE TABLE moved (
  what  TEXT NOT NULL PRIMARY KEY,
  times BIGINT NOT NULL
);
