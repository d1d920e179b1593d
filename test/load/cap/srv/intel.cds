using load from '../db/schema';

service intel @(path: '/intel') {
  entity Profiles as projection on load.Profiles;
}
