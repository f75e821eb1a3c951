-- When something was done in a project last; see `workspace_activity`. In a file of its own, so that no migration holds
-- workspaces and projects at once, which whoever deletes a workspace does too.
-- `projects.updated_at` and its index `projects_recent` are the release before's.
create table project_activity (
    project_id uuid primary key,
    workspace_id uuid not null,
    active_at timestamptz not null,
    foreign key (project_id, workspace_id) references projects (id, workspace_id) on delete cascade
);

-- On an update: what the release before does.
create function note_project_activity() returns trigger
language plpgsql set search_path = ''
as $$
begin
    insert into public.project_activity (project_id, workspace_id, active_at) values (new.id, new.workspace_id, new.updated_at)
    on conflict (project_id) do update set active_at = excluded.active_at;
    return null;
end $$;
revoke all on function note_project_activity() from public;
create trigger note_project_activity after insert or update of updated_at on projects
    for each row execute function note_project_activity();

insert into project_activity (project_id, workspace_id, active_at) select id, workspace_id, updated_at from projects;
create index project_activity_recent on project_activity (workspace_id, active_at desc, project_id desc);

do $$
declare
    api_role text;
begin
    alter table public.project_activity enable row level security;
    revoke all on public.project_activity from public;
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.project_activity from %I', api_role);
        execute format('revoke all on function public.note_project_activity() from %I', api_role);
    end loop;
end $$;
