-- no-transaction
-- Since 20261126000020 messages are found by `message_search`, and this index cost every message a write for nothing.
-- `if exists`: a drop that breaks off leaves an invalid index, which the next start drops before it comes here.
drop index concurrently if exists messages_words;
