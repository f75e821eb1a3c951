-- Documents published on the web: a copy of a file under the bucket's public address.

-- No foreign key to documents: the row outlives its document until its copy is removed from the store. Only then it goes,
-- and not before a copy that was begun must have ended.
create table publications (
    document_id uuid primary key,
    workspace_id uuid not null,
    -- Who made the copy that is published, of which file, and when; null until the first copy is made.
    published_by uuid,
    sha256 bytea,
    published_at timestamptz,
    -- When the copy was begun that was made last, or is in the making.
    begun_at timestamptz not null default clock_timestamp(),
    -- Its copy is to be removed.
    withdrawn_at timestamptz
);
create index publications_to_remove on publications (document_id) where withdrawn_at is not null or published_at is null;

-- Whatever deletes a document or puts it into the trash ends its publication, in the same transaction: a person, a project
-- that goes with all it has, the end of the trash's time.
create function withdraw_publication() returns trigger
language plpgsql set search_path = ''
as $$
begin
    update public.publications set withdrawn_at = now() where document_id = old.id and withdrawn_at is null;
    return null;
end $$;
revoke all on function withdraw_publication() from public;
create trigger withdraw_publication_of_deleted after delete on documents
    for each row execute function withdraw_publication();
create trigger withdraw_publication_of_trashed after update of trashed_at on documents
    for each row when (new.trashed_at is not null) execute function withdraw_publication();

do $$
declare
    api_role text;
begin
    alter table public.publications enable row level security;
    revoke all on public.publications from public;
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.publications from %I', api_role);
        execute format('revoke all on function public.withdraw_publication() from %I', api_role);
    end loop;
end $$;
