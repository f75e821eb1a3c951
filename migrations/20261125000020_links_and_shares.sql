-- Documents that are of a web page, and documents opened to whoever has a link.

-- A link's document is there before its page is: until the worker has fetched it, it has no bytes, and no object lies at
-- its key. A worker of the previous release that takes one says that the file is missing; "Try again" then fetches it.
alter table documents
    add column source_url text,
    -- When the page was fetched; null while it is still to be.
    add column fetched_at timestamptz,
    drop constraint if exists documents_size_bytes_check,
    add constraint documents_size_bytes_check check (size_bytes >= 0);
create index documents_of_page on documents (project_id, source_url) where source_url is not null;
create index documents_unfetched on documents (workspace_id)
    where source_url is not null and fetched_at is null and state <> 'failed';

-- A share ends with its document, and with the membership of whoever made it; what is revoked is deleted. Only a hash of
-- the token is stored, which is 256 random bits, so it cannot be guessed back.
create table shares (
    id uuid primary key,
    workspace_id uuid not null,
    document_id uuid not null references documents on delete cascade,
    created_by uuid not null,
    token_hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    opened_count bigint not null default 0,
    last_opened_at timestamptz,
    foreign key (workspace_id, created_by) references members (workspace_id, user_id) on delete cascade
);
create index shares_of_document on shares (document_id, id desc);
create index shares_of_member on shares (workspace_id, created_by);

do $$
declare
    api_role text;
begin
    alter table public.shares enable row level security;
    revoke all on public.shares from public;
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.shares from %I', api_role);
    end loop;
end $$;
