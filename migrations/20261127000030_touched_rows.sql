-- Everything done in a project marks its row and its workspace's as changed, and every page reads both. Their old versions stay
-- where they are until autovacuum comes, at the earliest after fifty, or until a read finds the page full; a read walks over them
-- all, and for those that an insert had locked too it looks into Postgres' lists of lockers each time. So pages count as full
-- early, and reads clean them: of 33 old versions the page of a project was a tenth slower (docs/benchmarks.md, 26 Nov 2026).
-- These tables are small, so the room that new pages leave empty costs nothing.
alter table projects set (fillfactor = 10);
alter table workspaces set (fillfactor = 10);
