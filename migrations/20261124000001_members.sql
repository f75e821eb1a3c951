-- People in workspaces: an id for each membership, invitations, API keys.

-- A membership's address names it alone (docs/adr/0003). The default serves the previous release, which knows no ids.
alter table members add column id uuid not null default gen_random_uuid();
create unique index members_id on members (id);

-- An invitation counts only as long as whoever made it is a member. Only a hash of its token is stored.
create table invitations (
    id uuid primary key,
    workspace_id uuid not null,
    email text not null, -- in lower case
    role text not null check (role in ('viewer', 'member', 'admin', 'owner')),
    token_hash bytea not null unique,
    invited_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- How it ended. Kept for a month, so that a link can say why it does not work.
    accepted_at timestamptz,
    withdrawn_at timestamptz,
    foreign key (workspace_id, invited_by) references members (workspace_id, user_id) on delete cascade
);
create unique index invitations_open on invitations (workspace_id, email)
    where accepted_at is null and withdrawn_at is null;
create index invitations_inviter on invitations (workspace_id, invited_by);

-- A key ends with its owner's membership. The token is 256 random bits, so a plain hash cannot be guessed back.
create table api_keys (
    id uuid primary key,
    workspace_id uuid not null,
    user_id uuid not null,
    name text not null check (char_length(name) between 1 and 120),
    scope text not null check (scope in ('read', 'write')),
    prefix text not null,
    token_hash bytea not null unique,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    foreign key (workspace_id, user_id) references members (workspace_id, user_id) on delete cascade
);
create index api_keys_newest on api_keys (workspace_id, id desc);
create index api_keys_of_member on api_keys (workspace_id, user_id, id desc);

-- As in the foundation: closed to the roles that Supabase opens to browsers.
do $$
declare
    name text;
    api_role text;
begin
    foreach name in array array['invitations', 'api_keys'] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public', name);
        for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke all on public.%I from %I', name, api_role);
        end loop;
    end loop;
end $$;
