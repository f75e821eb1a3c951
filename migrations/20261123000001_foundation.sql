-- Users, workspaces, projects, documents with their chunks, conversations with their citations, preferences.
-- Ids are UUIDv7 made by the app. Every tenant row carries workspace_id, so that one predicate scopes any query.
create extension if not exists vector;

create table users (
    id uuid primary key, -- the identity provider's `sub`
    email text not null,
    display_name text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table workspaces (
    id uuid primary key,
    name text not null check (char_length(name) between 1 and 120),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table members (
    workspace_id uuid not null references workspaces on delete cascade,
    user_id uuid not null references users on delete cascade,
    role text not null check (role in ('viewer', 'member', 'admin', 'owner')),
    created_at timestamptz not null default now(),
    primary key (workspace_id, user_id)
);
create index members_user on members (user_id, workspace_id);

create table projects (
    id uuid primary key,
    workspace_id uuid not null references workspaces on delete cascade,
    name text not null check (char_length(name) between 1 and 120),
    client text not null default '',
    audience text not null default '',
    brand_voice text not null default '',
    key_messages text not null default '',
    competitors text not null default '',
    notes text not null default '',
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (id, workspace_id)
);
create index projects_recent on projects (workspace_id, updated_at desc, id desc);

create table folders (
    id uuid primary key,
    workspace_id uuid not null,
    project_id uuid not null,
    parent_id uuid,
    name text not null check (char_length(name) between 1 and 120),
    created_at timestamptz not null default now(),
    unique (id, project_id),
    foreign key (project_id, workspace_id) references projects (id, workspace_id) on delete cascade,
    foreign key (parent_id, project_id) references folders (id, project_id) on delete cascade
);
create index folders_children on folders (project_id, parent_id);

create table documents (
    id uuid primary key,
    workspace_id uuid not null,
    project_id uuid not null,
    folder_id uuid,
    name text not null,
    media_type text not null,
    size_bytes bigint not null check (size_bytes > 0),
    sha256 bytea not null,
    object_key text not null unique,
    state text not null default 'queued' check (state in ('queued', 'extracting', 'embedding', 'ready', 'failed')),
    page_count int,
    chunks_done int not null default 0,
    chunks_total int not null default 0,
    failure text,
    -- The lease of the worker that ingests it. Every write of a worker names its epoch; a stale worker writes nothing.
    lease_epoch bigint not null default 0,
    leased_until timestamptz,
    -- Leases that ran out without an end: a document that kills its worker is set aside after three.
    crashes int not null default 0,
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (id, project_id),
    foreign key (project_id, workspace_id) references projects (id, workspace_id) on delete cascade,
    foreign key (folder_id, project_id) references folders (id, project_id)
);
create index documents_newest on documents (project_id, id desc);
create index documents_working on documents (leased_until) where state in ('queued', 'extracting', 'embedding');
-- What a project's event stream tells at once: what is being ingested, and what has just changed.
create index documents_working_of_project on documents (project_id) where state in ('queued', 'extracting', 'embedding');
create index documents_changed on documents (project_id, updated_at);

create table document_pages (
    document_id uuid not null references documents on delete cascade,
    number int not null check (number >= 1),
    workspace_id uuid not null,
    text text not null,
    primary key (document_id, number)
);

-- An embedding index is a model and its dimensions. A switch of models builds the new one beside the active one.
create table embedding_indexes (
    id int generated always as identity primary key,
    model text not null,
    dimensions int not null check (dimensions between 1 and 4096),
    state text not null check (state in ('building', 'active', 'retired')),
    created_at timestamptz not null default now(),
    unique (model, dimensions)
);
create unique index embedding_indexes_one_active on embedding_indexes (state) where state = 'active';

create table chunks (
    id uuid primary key,
    workspace_id uuid not null,
    project_id uuid not null,
    document_id uuid not null,
    ordinal int not null,
    page int not null,
    start_char int not null, -- in chars of the page's text
    end_char int not null check (end_char > start_char),
    text text not null,
    tsv tsvector not null,
    lexeme_count int not null, -- occurrences, not distinct lexemes: the document length of BM25
    unique (document_id, ordinal),
    foreign key (document_id, project_id) references documents (id, project_id) on delete cascade
    -- Rows up to this size are kept whole: BM25 reads every tsvector of a project, and decompressing them was 90 % of it.
) with (toast_tuple_target = 8160);
create index chunks_project on chunks (project_id) include (lexeme_count);
create index chunks_tsv on chunks using gin (tsv);

-- project_id and document_id stand here too, so that a filtered vector search needs no join inside the index scan.
-- Each index version has its own partial HNSW index, made by the app when the version is made.
create table chunk_embeddings (
    index_id int not null references embedding_indexes on delete cascade,
    chunk_id uuid not null references chunks on delete cascade,
    workspace_id uuid not null,
    project_id uuid not null,
    document_id uuid not null,
    embedding vector not null,
    primary key (index_id, chunk_id)
);
create index chunk_embeddings_chunk on chunk_embeddings (chunk_id);
create index chunk_embeddings_project on chunk_embeddings (project_id, index_id);

create table conversations (
    id uuid primary key,
    workspace_id uuid not null,
    project_id uuid not null,
    title text not null,
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (project_id, workspace_id) references projects (id, workspace_id) on delete cascade
);
create index conversations_recent on conversations (project_id, updated_at desc, id desc);

create table messages (
    id uuid primary key,
    workspace_id uuid not null,
    conversation_id uuid not null references conversations on delete cascade,
    parent_id uuid references messages on delete cascade,
    author text not null check (author in ('user', 'assistant')),
    state text not null check (state in ('streaming', 'complete', 'stopped', 'failed')),
    content text not null default '',
    model text,
    failure text,
    prompt_tokens int,
    completion_tokens int,
    duration_ms int,
    idempotency_key text,
    -- The lease of the process that writes the answer, as for documents.
    lease_epoch bigint not null default 0,
    leased_until timestamptz,
    created_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    unique (conversation_id, idempotency_key)
);
create index messages_in_order on messages (conversation_id, id);
create unique index messages_one_answer_at_a_time on messages (conversation_id) where state = 'streaming';

create table message_events (
    message_id uuid not null references messages on delete cascade,
    seq int not null,
    workspace_id uuid not null,
    event jsonb not null,
    primary key (message_id, seq)
);

create table citations (
    message_id uuid not null references messages on delete cascade,
    number int not null check (number >= 1),
    workspace_id uuid not null,
    document_id uuid not null references documents on delete cascade,
    page int not null,
    start_char int not null,
    end_char int not null check (end_char > start_char),
    quote text not null,
    primary key (message_id, number)
);
create index citations_document on citations (document_id);

create table preferences (
    user_id uuid primary key references users on delete cascade,
    theme text not null default 'system' check (theme in ('system', 'light', 'dark')),
    language text not null default 'en',
    updated_at timestamptz not null default now()
);

-- Supabase serves `public` to whoever holds the anon key: no policy and no grant means that those roles see nothing.
-- The app connects as the tables' owner, to whom row-level security does not apply.
do $$
declare
    name text;
    api_role text;
begin
    foreach name in array array[
        'users', 'workspaces', 'members', 'projects', 'folders', 'documents', 'document_pages', 'embedding_indexes',
        'chunks', 'chunk_embeddings', 'conversations', 'messages', 'message_events', 'citations', 'preferences',
        '_sqlx_migrations'
    ] loop
        -- sqlx's own table is missing where this file is run by hand.
        continue when to_regclass('public.' || name) is null;
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public', name);
        for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke all on public.%I from %I', name, api_role);
        end loop;
    end loop;
end $$;

-- A row in public.users for each identity. The app upserts the same from verified claims, so this may be missing;
-- it must never fail, or it would block the sign-up.
create function public.sync_user() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
    if new.email is not null then
        insert into public.users (id, email, display_name)
        values (new.id, new.email, split_part(new.email, '@', 1))
        on conflict (id) do update set email = excluded.email, updated_at = now()
        where public.users.email is distinct from excluded.email;
    end if;
    return new;
end $$;
revoke all on function public.sync_user() from public;
do $$
declare
    api_role text;
begin
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on function public.sync_user() from %I', api_role);
    end loop;
end $$;

do $$
begin
    if to_regclass('auth.users') is not null then
        create or replace trigger atelier_sync_user after insert or update of email on auth.users
            for each row execute function public.sync_user();
    end if;
exception when insufficient_privilege then
    raise notice 'no trigger on auth.users: users are added at their first sign-in instead';
end $$;
