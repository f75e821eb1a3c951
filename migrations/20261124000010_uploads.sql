-- Uploads that go on after a broken connection or a restart: what has arrived lies in the store as parts of a multipart
-- upload, and this table knows how far it is.
create table uploads (
    id uuid primary key,
    workspace_id uuid not null,
    project_id uuid not null,
    created_by uuid not null references users on delete cascade,
    -- By these a file is known when it is chosen again.
    name text not null,
    size_bytes bigint not null check (size_bytes > 0),
    modified_ms bigint,
    -- The document that it becomes; its id is in the object's key from the beginning.
    document_id uuid not null unique,
    object_key text not null unique,
    -- Known when the first chunk has arrived: the type comes from the bytes.
    media_type text,
    store_upload text,
    offset_bytes bigint not null default 0 check (offset_bytes between 0 and size_bytes),
    -- The store's tags of the parts, in order.
    parts text[] not null default '{}',
    -- SHA-256 in the middle of its work.
    hash_state bytea,
    -- A character of a text that the last chunk cut off: up to three bytes.
    text_tail bytea not null default '',
    -- Whoever begins to store a chunk takes the next one, and nobody with an older one moves the offset.
    epoch bigint not null default 0,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    foreign key (project_id, workspace_id) references projects (id, workspace_id) on delete cascade
);
create index uploads_mine on uploads (created_by, project_id, id desc);
create index uploads_project on uploads (project_id);
create index uploads_expiry on uploads (expires_at);

-- The sweep compares these with the store's list, which is sorted by bytes.
create index documents_by_key on documents (object_key collate "C");

do $$
declare
    api_role text;
begin
    alter table public.uploads enable row level security;
    revoke all on public.uploads from public;
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.uploads from %I', api_role);
    end loop;
end $$;
