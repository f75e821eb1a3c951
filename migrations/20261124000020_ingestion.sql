-- Ingestion: what is embedded is known by its text, and a new version of a file waits beside the one it replaces.

-- SHA-256 of the text that is embedded, 16 bytes of it. Chunks of before have none and are embedded as ever.
alter table chunks add column text_hash bytea;
create index chunks_text_hash on chunks (workspace_id, text_hash);

-- The document that this one is to replace. It is a document like any other until it is ready; then its text and its
-- file become the other's, and its row goes. One at a time: the newest wins.
alter table documents add column replaces uuid references documents on delete cascade;
create unique index documents_one_replacement on documents (replaces) where replaces is not null;

-- What a replacement has in the making belongs to no project yet, so that no search finds it beside the old version: every
-- search is of a project. The composite key does not check rows without a project, so this one deletes them.
alter table chunks alter column project_id drop not null;
alter table chunk_embeddings alter column project_id drop not null;
alter table chunks add foreign key (document_id) references documents on delete cascade;

-- Deletions are told by the project's event stream to whoever was not connected when they happened; kept for a day.
create table deleted_documents (
    document_id uuid primary key,
    workspace_id uuid not null,
    project_id uuid not null,
    deleted_at timestamptz not null default now()
);
create index deleted_documents_of_project on deleted_documents (project_id, deleted_at);
create index deleted_documents_old on deleted_documents (deleted_at);

alter table deleted_documents enable row level security;
revoke all on deleted_documents from public;
do $$
declare
    api_role text;
begin
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.deleted_documents from %I', api_role);
    end loop;
end $$;
