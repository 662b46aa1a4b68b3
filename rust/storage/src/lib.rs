//! What a server of a cluster must not forget, on its disk: who it is, its votes, its log and the snapshots of it.
//!
//! A server has one folder, made by [`Store::found`] and taken up again by [`Store::open`], which gives either exactly what was
//! written or a [`StorageError`] that says what to do. A folder that cannot be trusted any more is made anew by
//! [`Store::refound`], under another incarnation, so that the others see a new replica and not one that broke its word. Where all servers
//! of a cluster have lost their memory at once, [`Store::salvage`] reads what is left, and [`Store::found_with`] begins anew with it.
//!
//! ```
//! use synced_protocol::{
//!     id::{GroupId, ServerId},
//!     store::{Durability, HardState, Members, StoreWrite, WriteId},
//! };
//! use synced_storage::{Founding, Identity, Store};
//!
//! let folder = std::env::temp_dir().join(format!("synced-{}", std::process::id()));
//! # let _ = std::fs::remove_dir_all(&folder);
//! let identity = Identity {
//!     cluster: "tables".to_owned(),
//!     server: ServerId(1),
//!     incarnation: 0,
//!     durability: Durability::Memory,
//! };
//! let groups = vec![(GroupId(0), Members::default())];
//! Store::found(&folder, &Founding { identity, groups })?;
//!
//! let mut opened = Store::open(&folder)?;
//! opened.store.write(&StoreWrite {
//!     id: WriteId(1),
//!     group: GroupId(0),
//!     durability: Durability::Memory,
//!     snapshot: None,
//!     entries: Vec::new(),
//!     hard_state: Some(HardState::default()),
//! })?;
//! opened.store.close()?;
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), synced_storage::StorageError>(())
//! ```
//!
//! # In the folder
//! | file | holds |
//! |---|---|
//! | `identity` | the cluster, the server, its incarnation, its durability |
//! | `mark` | the number of the last write that was acknowledged; whether a run is under way, and since which boot of the machine |
//! | `journal-a`, `journal-b` | the writes that are not settled yet, each with its number and checksum |
//! | `log.redb` | everything else: snapshots, entries, hard states, each record with its checksum |
//! | `before` | what was there before the folder was made anew, until the new replica has got everything from others |
//! | `lock` | nothing; the process that has the folder holds a lock on it |
//!
//! A write goes to a journal, by which it survives the end of the process, and with an `fsync` that of the machine. When that journal
//! has grown long, a [`Keeper`] in a thread of its own settles what it holds in the database, while the other journal takes the next
//! writes; what does not last from the one end of a journal to the other, as entries that a snapshot covers, never gets there. In
//! between a [`Syncer`] has the disk take what was written. So a write costs no tree and waits for nobody, not even for a lock; and
//! after a power loss there is all that was synced or settled last, what came after as far as the disk got it, and no mixture.
//!
//! What was acknowledged and is missing is never taken for a write that was torn: the mark tells them apart. Each entry holds
//! the checksum of the one before it, so that a gap, a swap or a stale record is found. A change within a file that hurts nothing,
//! as in a page that is not in use, may go unnoticed.
//!
//! # Why redb
//! The database is to be opened after any fault with an error or the truth. redb 4 copies on write, refuses a damaged header, and
//! with commits in two phases never falls back to an earlier one silently. It takes its file from us, so that every block it reads
//! has passed our own checksum, and damage is named by its offset before it reaches a tree. fjall 3 was the other candidate: its
//! recovery cuts a journal off at the first byte that it does not understand and goes on without the rest, allocates what a
//! length field says before it reads, and leaves the order of writes out of its checksum.

mod aside;
mod blocks;
mod codec;
mod database;
mod disk;
mod error;
mod failure;
mod fold;
mod handover;
mod identity;
mod journal;
mod keeper;
mod load;
mod mark;
mod opening;
mod reading;
mod records;
mod replay;
mod salvage;
mod shape;
mod store;
mod syncer;
mod tail;
mod turns;

pub use error::{StorageError, StorageResult};
pub use identity::{Founding, Identity};
pub use keeper::Keeper;
pub use salvage::Salvage;
pub use store::{LastStop, Opened, Store};
pub use syncer::Syncer;
pub use tail::WRITE_BYTES_MAX;
pub use turns::{JOURNAL_BYTES_MAX, SETTLED_BYTES};
