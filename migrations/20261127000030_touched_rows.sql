-- Everything done in a project marks its row and its workspace's as changed, and every page reads both. Old versions of a row
-- stay until autovacuum comes, by default after fifty at the earliest, and a read walks over them all; for those that an insert
-- had locked too it looks into Postgres' lists of lockers each time. With 33 old versions of a project its page was served 1,340
-- to 1,375 times a second, after a vacuum 1,485 to 1,495 (docs/benchmarks.md). The tables are small, so vacuums are cheap.
alter table projects set (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0.05);
alter table workspaces set (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0.05);
