-- What the flows by mail, PKCE and the second factor need. Names and columns are Supabase's where it has the table, so
-- that code that reads `auth.mfa_factors` reads it there and here.
-- Of each kind a person has one at a time: a new one replaces it.
create table auth.one_time_tokens (
    id uuid primary key,
    user_id uuid not null references auth.users on delete cascade,
    token_type text not null check (token_type in (
        'confirmation_token', 'recovery_token', 'email_change_token_new', 'email_change_token_current', 'reauthentication_token'
    )),
    -- sha256 of the link's token, which has 256 random bits.
    token_hash bytea not null unique,
    -- HMAC of the six digits, under a key that is not in the database.
    code_hash bytea not null,
    -- How often the digits were guessed at, rightly or not.
    attempts int not null default 0,
    -- The address that it was mailed to.
    relates_to text not null,
    -- What a link of a PKCE flow comes back with is a code for this state.
    flow_state_id uuid,
    created_at timestamptz not null default now(),
    unique (user_id, token_type)
);
create index one_time_tokens_relates_to on auth.one_time_tokens (relates_to);

create table auth.flow_state (
    id uuid primary key,
    user_id uuid not null references auth.users on delete cascade,
    authentication_method text not null,
    code_challenge text not null,
    code_challenge_method text not null check (code_challenge_method in ('s256', 'plain')),
    -- sha256 of the code in the redirect; null until there was one.
    auth_code_hash bytea unique,
    auth_code_issued_at timestamptz,
    created_at timestamptz not null default now()
);
create index flow_state_user on auth.flow_state (user_id, created_at);

alter table auth.one_time_tokens
    add foreign key (flow_state_id) references auth.flow_state on delete set null;
create index one_time_tokens_flow_state on auth.one_time_tokens (flow_state_id);

create table auth.mfa_factors (
    id uuid primary key,
    user_id uuid not null references auth.users on delete cascade,
    friendly_name text,
    factor_type text not null check (factor_type = 'totp'),
    status text not null default 'unverified' check (status in ('unverified', 'verified')),
    secret text not null, -- base32, as it is typed into an app
    phone text,
    last_challenged_at timestamptz,
    -- The time step of the last code that was accepted: no code counts twice (RFC 6238, 5.2).
    last_used_step bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index mfa_factors_user on auth.mfa_factors (user_id, created_at);
create unique index mfa_factors_user_friendly_name on auth.mfa_factors (user_id, friendly_name)
    where trim(friendly_name) <> '';

create table auth.mfa_challenges (
    id uuid primary key,
    factor_id uuid not null references auth.mfa_factors on delete cascade,
    ip_address inet,
    created_at timestamptz not null default now()
);
create index mfa_challenges_factor on auth.mfa_challenges (factor_id, created_at);

alter table auth.sessions
    add column factor_id uuid; -- the factor that raised it to aal2
create index sessions_factor on auth.sessions (factor_id) where factor_id is not null;

alter table auth.one_time_tokens enable row level security;
alter table auth.flow_state enable row level security;
alter table auth.mfa_factors enable row level security;
alter table auth.mfa_challenges enable row level security;
