-- Which model answers in a conversation, what an answer has cost, and what it was written without.

alter table conversations
    -- Null: the configured one.
    add column model text check (char_length(model) between 1 and 200);

alter table messages
    -- Millionths of a US dollar, by the prices when the answer was made; null where they were not known.
    add column cost_micros bigint check (cost_micros >= 0),
    -- Of an answer: earlier turns of its branch that did not fit into what the model was told.
    add column turns_left_out int check (turns_left_out >= 0);
