-- An embedding index is built beside the active one: who builds it, how far it is, and when a retired one may go.
alter table embedding_indexes
    -- Where the model is (never a key), so that a server that is configured with another one can still answer from this index.
    add column source jsonb,
    -- The lease of the worker that builds it, or removes it. Every write of a worker names its epoch.
    add column lease_epoch bigint not null default 0,
    add column leased_until timestamptz,
    -- The checkpoint: chunks up to this id were looked at. What is embedded is never embedded again either way.
    add column cursor uuid,
    add column chunks_done bigint not null default 0,
    add column chunks_total bigint not null default 0,
    -- Why the last try to build it ended; for the operator.
    add column failure text,
    -- When a running server last said that its model is this one.
    add column wanted_at timestamptz not null default now(),
    -- When the state became what it is.
    add column changed_at timestamptz not null default now();

-- Searches in a workspace and in chosen documents find their rows without those of others.
create index chunk_embeddings_workspace on chunk_embeddings (workspace_id, index_id);
create index chunk_embeddings_document on chunk_embeddings (document_id, index_id);
create index chunks_workspace on chunks (workspace_id) include (lexeme_count);
