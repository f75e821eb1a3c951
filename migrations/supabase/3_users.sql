-- A row in public.users for each person who signs up, so that they can be found before they first come. Without it they
-- are added when they do. It must never fail, or it would block the sign-up.
create or replace function public.sync_user() returns trigger
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

-- The schema `auth` is Supabase's; a trigger on its table of users is what Supabase's own guide does.
create or replace trigger atelier_sync_user after insert or update of email on auth.users
    for each row execute function public.sync_user();
