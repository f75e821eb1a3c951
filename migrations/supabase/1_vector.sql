-- Embeddings are kept in columns of type `vector`. It does not matter in which schema the extension lies, as long as that
-- is on the search path of Atelier's role: `public` and `extensions` are on Supabase.
create extension if not exists vector;
-- Filtered search relies on the iterative scans of 0.8.0.
alter extension vector update;
