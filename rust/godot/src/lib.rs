//! The GDExtension: thin classes over client, transport and node.
