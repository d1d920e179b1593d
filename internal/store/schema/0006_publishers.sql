-- What the operator set of a publisher in place of the program's own table.
CREATE TABLE publisher_setting (
  id   TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
);

-- Whether each entry of the data set is another thing than all its others.
ALTER TABLE dataset ADD COLUMN entries_distinct BIGINT NOT NULL DEFAULT 0;
