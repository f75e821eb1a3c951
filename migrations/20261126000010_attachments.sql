-- Attachments: documents that come with a question.

create table message_attachments (
    message_id uuid not null references messages on delete cascade,
    -- From 1.
    position int not null check (position >= 1),
    workspace_id uuid not null,
    -- Null once it is deleted for good; the question still says that there was something.
    document_id uuid references documents on delete set null,
    -- What the document was called when it was attached.
    name text not null,
    primary key (message_id, position)
);
create index message_attachments_document on message_attachments (document_id);

-- An upload knows that its document is to be attached: such a one replaces no document of its name.
alter table uploads add column is_attachment boolean not null default false;

-- As in the foundation: closed to the roles that Supabase opens to browsers.
alter table message_attachments enable row level security;
revoke all on message_attachments from public;
do $$
declare
    api_role text;
begin
    for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke all on public.message_attachments from %I', api_role);
    end loop;
end $$;
