//! Everything that knows the types of the Raft engine, but for the group that drives it.

mod convert;
mod log;

pub(crate) use convert::{
    conf_change, entry_from, entry_into, members_from, message_from, message_into,
};
pub(crate) use log::{Log, snapshot_metadata};
