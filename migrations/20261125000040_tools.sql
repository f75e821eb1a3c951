-- Tools: what a model calls while it answers, what a person decides about it, and answers that wait for that.

alter table conversations
    -- Whether a person is asked before a tool writes, or goes out to the web.
    add column tools_mode text not null default 'ask' check (tools_mode in ('ask', 'autonomous'));

-- Beside `streaming`: `waiting`, held by no process until somebody has decided.
alter table messages drop constraint messages_state_check;
alter table messages add constraint messages_state_check
    check (state in ('streaming', 'waiting', 'complete', 'stopped', 'failed'));
-- What a waiting answer goes on from: see server/src/chat/waiting.rs. Null otherwise.
alter table messages add column progress jsonb;
create index messages_waiting on messages (conversation_id) where state = 'waiting';

create table tool_calls (
    id uuid primary key,
    workspace_id uuid not null,
    message_id uuid not null references messages on delete cascade,
    -- Both from 0: the model's turn in the answer, and the call's place in the answer.
    round int not null check (round >= 0),
    seq int not null check (seq >= 0),
    -- The model's own name for this call.
    model_call_id text not null,
    name text not null,
    -- What it is called for people.
    label text not null,
    -- A JSON string where the model sent what is no JSON.
    arguments jsonb not null,
    state text not null check (state in ('waiting', 'approved', 'refused', 'running', 'done', 'failed')),
    -- For people, in a line or two.
    result text,
    -- What the model is told, while its answer goes on; documents by their places, not by their text.
    given jsonb,
    decided_by uuid references users on delete set null,
    decided_at timestamptz,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    unique (message_id, seq)
);

-- As in the foundation: closed to the roles that Supabase opens to browsers.
alter table tool_calls enable row level security;
revoke all on tool_calls from public;
do $$
declare
    api_role text;
begin
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.tool_calls from %I', api_role);
    end loop;
end $$;
