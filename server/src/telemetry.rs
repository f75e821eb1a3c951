//! Logs: a line for a person, or JSON, never with a token or a key.
