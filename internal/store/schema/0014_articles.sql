-- Documents that sources publish, with the values that they list: STIX reports, MISP events. They are claims and answers at
-- once, since nothing is folded: a row is served as it stands to all who may see its marking.

-- body is the wire form; the formats are values of contentFormat; the _sort columns are the first code points of a folded text.
CREATE TABLE article (
  id             TEXT NOT NULL PRIMARY KEY,
  publisher      TEXT NOT NULL,
  key            TEXT NOT NULL,
  tlp            BIGINT NOT NULL,
  title          TEXT NOT NULL,
  title_fold     TEXT NOT NULL,
  created        BIGINT NOT NULL,
  updated        BIGINT NOT NULL,
  featured       BIGINT NOT NULL,
  image          TEXT,
  image_fold     TEXT,
  tag_count      BIGINT NOT NULL,
  summary_format BIGINT NOT NULL,
  body_format    BIGINT NOT NULL,
  summary_sort   TEXT NOT NULL,
  body_sort      TEXT NOT NULL,
  reference      TEXT NOT NULL,
  modified       BIGINT NOT NULL,
  hash           TEXT NOT NULL,
  etag           TEXT NOT NULL,
  body           BLOB NOT NULL
);

CREATE INDEX article_by_ref ON article (publisher, key);

CREATE INDEX article_by_title ON article (title_fold, id, tlp);

CREATE INDEX article_by_created ON article (created, id, tlp);

CREATE INDEX article_by_updated ON article (updated, id, tlp);

CREATE TABLE article_tag (
  article_id TEXT NOT NULL,
  n          BIGINT NOT NULL,
  value      TEXT NOT NULL,
  fold       TEXT NOT NULL,
  PRIMARY KEY (article_id, n)
);

CREATE INDEX article_tag_by_fold ON article_tag (fold, article_id);

-- The folded texts that $search looks through, by property.
CREATE TABLE article_text (
  article_id TEXT NOT NULL,
  field      TEXT NOT NULL,
  text       TEXT NOT NULL,
  PRIMARY KEY (article_id, field)
);

-- Whom an article is about. The profile follows from the record.
CREATE TABLE article_subject (
  article_id TEXT NOT NULL,
  publisher  TEXT NOT NULL,
  key        TEXT NOT NULL,
  tlp        BIGINT NOT NULL,
  PRIMARY KEY (article_id, publisher, key)
);

CREATE INDEX article_subject_by_ref ON article_subject (publisher, key, article_id);

-- The values that an article lists; ref is the id of the articleIndicator. What is known of them stands in indicator.
CREATE TABLE article_indicator (
  article_id   TEXT NOT NULL,
  indicator_id TEXT NOT NULL,
  ref          TEXT NOT NULL,
  tlp          BIGINT NOT NULL,
  PRIMARY KEY (article_id, indicator_id)
);

CREATE INDEX article_indicator_by_ref ON article_indicator (article_id, SUBSTR(ref, 1, 64), indicator_id);

CREATE INDEX article_indicator_by_indicator ON article_indicator (indicator_id, article_id, tlp);

CREATE INDEX article_indicator_in_order ON article_indicator (SUBSTR(ref, 1, 64), indicator_id, article_id, tlp);
