//! What a server of a cluster must not forget, on its disk: who it is, its votes, its log and the snapshots of it.
//!
//! A server has one folder, made by [`Store::found`] and taken up again by [`Store::open`], which either gives exactly what was
//! written or an [`StorageError`] that says what to do. A folder that cannot be trusted any more is made anew by
//! [`Store::refound`], under another incarnation, so that the others see a new replica and not one that broke its word.
//!
//! Calls block. [`Store::write`] hands a write to the system and returns, or waits for the disk as well, as the write's
//! [`Durability`] asks.

mod error;
mod identity;
mod store;

pub use error::{StorageError, StorageResult};
pub use identity::{Founding, Identity};
pub use store::{LastStop, Opened, Store, Syncer};
#[doc(no_inline)]
pub use synced_protocol::store::Durability;
