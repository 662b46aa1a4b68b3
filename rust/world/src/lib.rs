//! The replicated tree: validates and applies mutations.
