-- Supabase serves the schema `public` to whoever holds the publishable key, which every browser does. With row-level
-- security on, no policy, and no grant, the roles of those requests see and change nothing. Atelier connects as the
-- tables' owner, to whom row-level security does not apply.
do $$
declare
    name text;
    api_role text;
begin
    foreach name in array array[
        '_sqlx_migrations', 'api_keys', 'chunk_embeddings', 'chunks', 'citations', 'conversation_documents', 'conversations',
        'deleted_documents', 'document_pages', 'document_versions', 'documents', 'embedding_indexes', 'folders', 'invitations',
        'members', 'message_attachments', 'message_events', 'message_search', 'messages', 'preferences',
        'project_activity', 'projects', 'publications', 'shares', 'tool_calls', 'uploads', 'users', 'workspace_activity',
        'workspaces', 'written_documents'
    ] loop
        continue when to_regclass('public.' || name) is null;
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public', name);
        for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke all on public.%I from %I', name, api_role);
        end loop;
    end loop;
end $$;
