-- Folders in use, and a trash for folders and documents. What is in the trash keeps its text, its passages and their
-- embeddings, so that it comes back as it was; searches leave it out by a look at what a project has in its trash.
alter table folders
    add column created_by uuid references users on delete set null,
    add column trashed_at timestamptz,
    add column trashed_by uuid references users on delete set null,
    -- The folder that was put into the trash and that this one was inside of: both come back, or go, together.
    add column trashed_with uuid references folders on delete cascade,
    add check (trashed_with is null or trashed_at is not null);

-- One folder of a name in a place. What is in the trash holds no name.
create unique index folders_one_name on folders (project_id, parent_id, lower(name)) nulls not distinct
    where trashed_at is null;
create index folders_parent on folders (parent_id) where parent_id is not null;
create index folders_trash on folders (project_id, trashed_at desc, id desc)
    where trashed_at is not null and trashed_with is null;
create index folders_trashed_with on folders (trashed_with) where trashed_with is not null;
create index folders_long_in_trash on folders (trashed_at) where trashed_at is not null and trashed_with is null;

alter table documents
    add column trashed_at timestamptz,
    add column trashed_by uuid references users on delete set null,
    add column trashed_with uuid references folders on delete cascade,
    add check (trashed_with is null or trashed_at is not null);

-- The lists: of a project, of a folder, and of what is in none.
create index documents_kept on documents (project_id, id desc) where trashed_at is null;
create index documents_in_folder on documents (folder_id, id desc) include (trashed_at) where folder_id is not null;
create index documents_at_root on documents (project_id, id desc) where folder_id is null and trashed_at is null;
-- What a new file of the same name is the next version of.
create index documents_of_name on documents (project_id, name);
create index documents_trash on documents (project_id, trashed_at desc, id desc)
    where trashed_at is not null and trashed_with is null;
create index documents_trashed_with on documents (trashed_with) where trashed_with is not null;
create index documents_long_in_trash on documents (trashed_at) where trashed_at is not null and trashed_with is null;
-- What searches leave out.
create index documents_trashed_of_project on documents (project_id, id) where trashed_at is not null;
create index documents_trashed_of_workspace on documents (workspace_id, id) where trashed_at is not null;

-- An upload knows where its document is to go.
alter table uploads
    add column folder_id uuid,
    add foreign key (folder_id, project_id) references folders (id, project_id) on delete set null (folder_id);
create index uploads_folder on uploads (folder_id) where folder_id is not null;

-- The same scans that count and rank a place's passages now look at their documents: they go on reading the indexes alone.
-- Each of these does all that the one it follows did.
create index chunks_of_project on chunks (project_id) include (document_id, lexeme_count);
create index chunks_of_workspace on chunks (workspace_id) include (document_id, lexeme_count)
    where project_id is not null;
create index chunk_embeddings_of_project on chunk_embeddings (project_id, index_id) include (document_id);
create index chunk_embeddings_of_workspace on chunk_embeddings (workspace_id, index_id) include (document_id)
    where project_id is not null;
-- Last, because searches wait from here to the commit.
drop index chunks_project;
drop index chunks_workspace;
drop index chunk_embeddings_project;
drop index chunk_embeddings_workspace;
