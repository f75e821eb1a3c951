-- What is much goes into the trash, out of it and away some documents at a time. These say what is still to be done; the
-- worker does it, and finds it again after a crash.
alter table folders
    -- Documents that are still to follow the folder into the trash, out of it or away; when that was last asked for.
    add column unsettled_at timestamptz,
    -- It is deleted for good, and its documents are being deleted. It is shown nowhere any more.
    add column erased_at timestamptz,
    add check (erased_at is null or unsettled_at is not null);
create index folders_unsettled on folders (id) where unsettled_at is not null;

-- All that was in the project's trash by then is being deleted; absent when that is done.
alter table projects add column trash_emptied_at timestamptz;
create index projects_trash_emptied on projects (id) where trash_emptied_at is not null;
