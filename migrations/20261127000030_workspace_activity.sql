-- When something was done in a workspace last. Everything that is done says so; in a row of its own, because what every page
-- reads and every insert locks (by its foreign keys) would get a new version each time. An old version that several had locked
-- is one that an index scan looks at again each time, until a vacuum (`HeapTupleIsSurelyDead` of Postgres' heapam_visibility.c):
-- with 33 of a project its page was served a tenth less often (docs/benchmarks.md).
-- `workspaces.updated_at` is the release before's, which reads and writes it.
create table workspace_activity (
    workspace_id uuid primary key references workspaces on delete cascade,
    active_at timestamptz not null
);

-- On an update: what the release before does.
create function note_workspace_activity() returns trigger
language plpgsql set search_path = ''
as $$
begin
    insert into public.workspace_activity (workspace_id, active_at) values (new.id, new.updated_at)
    on conflict (workspace_id) do update set active_at = excluded.active_at;
    return null;
end $$;
revoke all on function note_workspace_activity() from public;
create trigger note_workspace_activity after insert or update of updated_at on workspaces
    for each row execute function note_workspace_activity();

insert into workspace_activity (workspace_id, active_at) select id, updated_at from workspaces;

do $$
declare
    api_role text;
begin
    alter table public.workspace_activity enable row level security;
    revoke all on public.workspace_activity from public;
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.workspace_activity from %I', api_role);
        execute format('revoke all on function public.note_workspace_activity() from %I', api_role);
    end loop;
end $$;
