-- Documents that are written here. Each has a row beside its document; its text is that of its newest version.

-- A document that nothing is written in yet is one too.
alter table documents drop constraint documents_size_bytes_check;
alter table documents add constraint documents_size_bytes_check check (size_bytes >= 0);

create table written_documents (
    document_id uuid primary key references documents on delete cascade,
    workspace_id uuid not null,
    status text not null default 'draft' check (status in ('draft', 'review', 'approved', 'published')),
    -- Counts changes of title and text: a save names the one that it was made from.
    revision bigint not null default 1,
    -- The revision whose text was last handed to ingestion.
    read_revision bigint not null default 0,
    changed_by uuid references users on delete set null,
    changed_at timestamptz not null default now()
);
-- What still waits to be handed over.
create index written_documents_unread on written_documents (changed_at) where read_revision < revision;

create table document_versions (
    id uuid primary key,
    workspace_id uuid not null,
    document_id uuid not null references written_documents on delete cascade,
    number int not null check (number >= 1),
    text text not null,
    size_bytes int not null check (size_bytes >= 0),
    -- Bytes that saves have taken away from this version since it began; see docs/adr/0010-versions.md.
    removed_bytes int not null default 0,
    -- The version whose text this one has put back.
    restored_from int,
    -- How far it came, if somebody vouched for it. The next save begins another version then.
    reached text check (reached in ('approved', 'published')),
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    unique (document_id, number)
);

-- As in the foundation: closed to the roles that Supabase opens to browsers.
do $$
declare
    name text;
    api_role text;
begin
    foreach name in array array['written_documents', 'document_versions'] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public', name);
        for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke all on public.%I from %I', name, api_role);
        end loop;
    end loop;
end $$;
