-- Apart from what is done to messages: whoever deletes a conversation holds it and waits for its messages, so that a migration
-- that held messages and waited for conversations would block with them.

create index conversations_project_words on conversations using gin (project_words(project_id, title));
-- `conversations_words` is the release before's: the next migration of this table drops it.

-- The document that a tool has made, changed, read or put away; null where it was none. No foreign key: a later question
-- is told of it only where the document still is.
alter table tool_calls add column document_id uuid;
