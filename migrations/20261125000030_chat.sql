-- Chat: which documents answers come from, a tree of messages, archived conversations, and search in what was said.

-- Whether the project's conversations use the document where they have not chosen for themselves.
alter table documents add column in_chat boolean not null default true;
create index documents_not_in_chat on documents (project_id) where not in_chat;
-- How many a question is asked of, at each opening of a chat.
create index documents_in_scope on documents (project_id, in_chat)
    where state = 'ready' and replaces is null and trashed_at is null;

alter table conversations
    -- `project`: all ready documents but those left out; `chosen`: those in conversation_documents.
    add column scope text not null default 'project' check (scope in ('project', 'chosen')),
    -- The branch in view ends at the newest message below this one; null: at the newest of all. No foreign key: messages
    -- go with their conversation only, and each would look for the conversations that name it.
    add column current_id uuid,
    add column archived_at timestamptz;
create index conversations_recent_kept on conversations (project_id, (archived_at is not null), updated_at desc, id desc);

create table conversation_documents (
    conversation_id uuid not null references conversations on delete cascade,
    document_id uuid not null references documents on delete cascade,
    workspace_id uuid not null,
    primary key (conversation_id, document_id)
);
create index conversation_documents_document on conversation_documents (document_id);

alter table messages
    -- What a question was asked of: with `chosen` the documents, with `project` those that were left out. Null on answers,
    -- and on questions of before, which were asked of the whole project.
    add column scope text check (scope in ('project', 'chosen')),
    add column scope_documents uuid[];
-- Siblings have one parent; the first questions of a conversation have the conversation in its place.
create index messages_siblings on messages ((coalesce(parent_id, conversation_id)), id);
create index messages_parent on messages (parent_id);

-- The words of a message or a title, as they are written and in their English forms. Only the beginning of a very long
-- text: a tsvector holds less than 1 MiB.
create function message_words(content text) returns tsvector
language sql immutable parallel safe
return to_tsvector('english'::regconfig, left(content, 100000)) || to_tsvector('simple'::regconfig, left(content, 100000));
create index messages_words on messages using gin (message_words(content));
create index conversations_words on conversations using gin (message_words(title));

alter table conversation_documents enable row level security;
revoke all on conversation_documents from public;
revoke all on function message_words(text) from public;
do $$
declare
    api_role text;
begin
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.conversation_documents from %I', api_role);
        execute format('revoke all on function public.message_words(text) from %I', api_role);
    end loop;
end $$;
