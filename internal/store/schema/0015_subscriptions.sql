-- Graph's subscriptions. body is JSON that the program reads: what the client asked for. position and place say up to where, in the
-- order of changes, the receiver was told. failing is since when it does not answer (0: it does), failures how often, due when it is
-- tried again. missed (notifications were dropped) and removed (by an operator) say since when the client is owed word of it.

CREATE TABLE subscription (
  id       TEXT NOT NULL PRIMARY KEY,
  client   TEXT NOT NULL,
  ceiling  BIGINT NOT NULL,
  body     TEXT NOT NULL,
  created  BIGINT NOT NULL,
  expires  BIGINT NOT NULL,
  position BIGINT NOT NULL,
  place    TEXT NOT NULL,
  failing  BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  due      BIGINT NOT NULL,
  missed   BIGINT NOT NULL,
  removed  BIGINT NOT NULL
);

CREATE INDEX subscription_by_client ON subscription (client, created, id);

-- Who does what only one server shall do, and until when it is not to be taken over.
CREATE TABLE lease (
  name    TEXT NOT NULL PRIMARY KEY,
  holder  TEXT NOT NULL,
  expires BIGINT NOT NULL
);
