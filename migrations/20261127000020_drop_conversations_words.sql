-- no-transaction
-- Since 20261126000025 titles are found by `conversations_project_words`.
drop index concurrently if exists conversations_words;
