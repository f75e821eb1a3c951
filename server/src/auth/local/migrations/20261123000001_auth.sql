-- The schema `auth` of the embedded identity provider, with the names and columns of Supabase's as far as they are used,
-- so that the trigger and the exports of one serve the other. It is applied only where no Supabase is configured.
create table auth.users (
    instance_id uuid,
    id uuid primary key,
    aud text not null default 'authenticated',
    role text not null default 'authenticated',
    email text,
    encrypted_password text, -- argon2id, PHC string
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_sent_at timestamptz,
    recovery_sent_at timestamptz,
    email_change text not null default '',
    email_change_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb not null default '{}',
    raw_user_meta_data jsonb not null default '{}',
    is_super_admin boolean,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    phone text,
    phone_confirmed_at timestamptz,
    confirmed_at timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    banned_until timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false
);
create unique index users_email_partial_key on auth.users (email) where not is_sso_user;

create table auth.identities (
    id uuid primary key,
    provider_id text not null,
    user_id uuid not null references auth.users on delete cascade,
    identity_data jsonb not null,
    provider text not null,
    last_sign_in_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    email text generated always as (lower(identity_data ->> 'email')) stored,
    unique (provider_id, provider)
);
create index identities_user on auth.identities (user_id);

create table auth.sessions (
    id uuid primary key,
    user_id uuid not null references auth.users on delete cascade,
    aal text not null default 'aal1' check (aal in ('aal1', 'aal2')),
    amr jsonb not null, -- [{method, timestamp}]: how the person proved who they are
    user_agent text,
    ip inet,
    not_after timestamptz,
    refreshed_at timestamptz,
    -- Set when an old refresh token came back, as from a thief: no token of the session counts any more.
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index sessions_user on auth.sessions (user_id, created_at);

-- Only hashes: a token can be made again from the row's id and the key file, not from the database alone.
create table auth.refresh_tokens (
    id uuid primary key,
    token_hash bytea not null unique,
    session_id uuid not null references auth.sessions on delete cascade,
    parent_id uuid,
    revoked boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index refresh_tokens_one_active on auth.refresh_tokens (session_id) where not revoked;
create index refresh_tokens_session on auth.refresh_tokens (session_id);

alter table auth.users enable row level security;
alter table auth.identities enable row level security;
alter table auth.sessions enable row level security;
alter table auth.refresh_tokens enable row level security;

-- Supabase's roles for its REST interface, so that what they may do can be tested here. They belong to the whole
-- cluster, and another database may be making them at this moment.
do $$
declare
    name text;
begin
    foreach name in array array['anon', 'authenticated', 'service_role'] loop
        begin
            execute format('create role %I nologin noinherit', name);
        exception when duplicate_object or unique_violation then null;
        end;
        execute format('grant usage on schema public to %I', name);
        -- As on Supabase: every new table of `public` is theirs unless its migration takes it from them.
        execute format('alter default privileges in schema public grant all on tables to %I', name);
        execute format('alter default privileges in schema public grant all on sequences to %I', name);
        execute format('alter default privileges in schema public grant execute on functions to %I', name);
    end loop;
exception when insufficient_privilege then
    raise notice 'the roles of Supabase''s REST interface were not made: %', sqlerrm;
end $$;
