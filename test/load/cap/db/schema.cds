namespace load;

entity Profiles {
  key id          : String(64);
      kind        : String;
      title       : String;
      firstActive : DateTime;
      aliases     : LargeString;
      targets     : LargeString;
      origins     : LargeString;
      summary     : String;
      description : String;
      tradecraft  : String;
}
