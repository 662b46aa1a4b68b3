//! Every machine goes down at once: what each folder still holds is read, as far as it is sound, and begun anew with.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::{collections::BTreeMap, ops::Range};

use common::{Folder, History, founding};
use synced_protocol::store::{Durability, StoredGroup};
use synced_storage::{LastStop, Opened, Salvage, StorageError, Store};

type Image = BTreeMap<String, Vec<u8>>;

const JOURNALS: [&str; 2] = ["journal-a", "journal-b"];
const LATER: u32 = 1_800_000_000;
/// Where the mark holds the name of the boot, behind which its checksum stands.
const BOOT: Range<usize> = 13..77;

/// A run, after each of whose writes the files and the state are known, and what the disk has for certain: how many writes, and how
/// much of each journal.
struct Run {
    images: Vec<Image>,
    states: Vec<Vec<StoredGroup>>,
    synced: Vec<(usize, [usize; 2])>,
    /// How many writes were in the database last.
    settled: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        let folder = Folder::in_memory("run");
        Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
        let mut store = Store::open(folder.path()).unwrap().store;
        let mut history = History::new(seed);
        let mut run = Self {
            images: vec![folder.image()],
            states: vec![history.state()],
            synced: vec![(0, [0; 2])],
            settled: 0,
        };
        let mut synced = (0, [0; 2]);
        // In half of the runs what was handed over is not settled before the machine goes down.
        let keeper = seed.is_multiple_of(2).then(|| store.take_keeper().unwrap());
        for written in 1..=24 {
            store.write(&history.next()).unwrap();
            let happens = history.random(0..12);
            match (happens, &keeper) {
                (0, None) => store.settle().unwrap(),
                (0, Some(_)) => store.hand_over(),
                (1..3, _) => store.syncer().sync().unwrap(),
                _ => {}
            }
            let image = folder.image();
            let settles = happens == 0 && keeper.is_none();
            if settles {
                run.settled = written;
            }
            if settles || (1..3).contains(&happens) {
                synced = (written, JOURNALS.map(|name| image[name].len()));
            }
            run.images.push(image);
            run.states.push(history.state());
            run.synced.push(synced);
        }
        run
    }
}

/// The mark of a run that began before the machine was started last.
fn rebooted(mut image: Image) -> Image {
    let mark = image.get_mut("mark").unwrap();
    mark[BOOT].fill(b'x');
    let checksum = crc32fast::hash(&mark[..BOOT.end]);
    mark[BOOT.end..].copy_from_slice(&checksum.to_le_bytes());
    image
}

/// The journals as a disk may have got them: behind what was synced cut off, or with a hole.
fn torn(mut image: Image, synced: [usize; 2], random: &mut History) -> Image {
    for (name, synced) in JOURNALS.into_iter().zip(synced) {
        let journal = image.get_mut(name).unwrap();
        if journal.len() == synced {
            continue;
        }
        let place = usize::try_from(random.random(synced as u64..journal.len() as u64)).unwrap();
        match random.random(0..3) {
            0 => journal.truncate(place),
            1 => journal[place..].fill(0),
            _ => {
                let end = journal.len().min(place + 512);
                journal[place..end].fill(0);
            }
        }
    }
    image
}

fn salvaged(folder: &Folder, image: &Image) -> Salvage {
    folder.restore(image);
    Store::salvage(folder.path()).unwrap()
}

#[test]
fn what_was_synced_or_settled_is_there_and_what_follows_it_as_far_as_the_disk_has_it() {
    let folder = Folder::in_memory("salvaged");
    let mut beyond = 0;
    for seed in 0..8 {
        let run = Run::new(seed);
        let mut random = History::new(seed);
        for (written, image) in run.images.iter().enumerate() {
            let (synced, bytes) = run.synced[written];
            let left = torn(rebooted(image.clone()), bytes, &mut random);
            let salvage = salvaged(&folder, &left);
            let state = run
                .states
                .iter()
                .rposition(|state| *state == salvage.groups);
            let state = state.unwrap_or_else(|| panic!("seed {seed}: never was such a state"));
            assert!(
                (synced..=written).contains(&state),
                "seed {seed}: {state} of {written}"
            );
            beyond += u32::from(state > synced);
            let standing = salvage.standing.unwrap_err();
            assert!(
                matches!(standing, StorageError::MemoryLost { .. }),
                "{standing}"
            );
        }
    }
    assert!(beyond > 20, "{beyond}");
}

#[test]
fn what_could_go_on_by_itself_is_told_from_what_could_not() {
    let folder = Folder::in_memory("standing");
    let run = Run::new(3);
    let image = run.images.last().unwrap();
    let killed = salvaged(&folder, image);
    assert_eq!(killed.standing.unwrap(), LastStop::Killed);
    let mut cut = image.clone();
    for name in JOURNALS {
        cut.get_mut(name).unwrap().clear();
    }
    let cut = salvaged(&folder, &cut);
    assert!(matches!(cut.standing, Err(StorageError::Corrupt { .. })));
    assert_eq!(cut.groups, run.states[run.settled]);
    drop(cut);
    folder.restore(image);
    Store::open(folder.path()).unwrap().store.close().unwrap();
    let stopped = Store::salvage(folder.path()).unwrap();
    assert_eq!(stopped.standing.unwrap(), LastStop::Orderly);
}

#[test]
fn damage_that_no_power_loss_leaves_is_an_error_that_names_the_file() {
    let folder = Folder::in_memory("damaged");
    let run = Run::new(5);
    let image = rebooted(run.images.last().unwrap().clone());
    let mut random = History::new(5);
    let mut noticed = BTreeMap::<&str, u32>::new();
    for name in ["identity", "log.redb"] {
        for sample in 0..200 {
            let len = image[name].len() as u64;
            let end = if sample < 100 { len.min(512) } else { len };
            let place = usize::try_from(random.random(0..end)).unwrap();
            let mut damaged = image.clone();
            damaged.get_mut(name).unwrap()[place] ^= 1 << random.random(0..8);
            folder.restore(&damaged);
            match Store::salvage(folder.path()) {
                Ok(salvage) => assert!(salvage.groups == *run.states.last().unwrap(), "{place}"),
                Err(error) => {
                    assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");
                    assert!(error.to_string().contains(name), "{error}");
                    *noticed.entry(name).or_default() += 1;
                }
            }
        }
    }
    assert!(
        noticed.values().all(|count| *count > 20) && noticed.len() == 2,
        "{noticed:?}"
    );
}

#[test]
fn a_folder_in_use_or_without_a_store_is_not_read() {
    let folder = Folder::in_memory("in-use");
    let nothing = Store::salvage(folder.path()).unwrap_err();
    assert!(
        matches!(nothing, StorageError::NotFounded { .. }),
        "{nothing}"
    );
    let missing = Store::salvage(&folder.path().join("missing")).unwrap_err();
    assert!(
        matches!(missing, StorageError::NotFounded { .. }),
        "{missing}"
    );
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let _opened = Store::open(folder.path()).unwrap();
    let in_use = Store::salvage(folder.path()).unwrap_err();
    assert!(matches!(in_use, StorageError::InUse { .. }), "{in_use}");
}

/// Comes back as a replica that knows nothing, as a server does by itself.
fn refounded(folder: &Folder) -> Opened {
    let mut later = founding(Durability::Memory);
    later.identity.incarnation = LATER;
    Store::refound(folder.path(), &later).unwrap()
}

#[test]
fn what_a_folder_held_is_still_there_when_it_was_made_anew_however_often() {
    let folder = Folder::in_memory("put-aside");
    let run = Run::new(7);
    folder.restore(&rebooted(run.images.last().unwrap().clone()));
    for life in 0..3 {
        drop(refounded(&folder));
        let salvage = Store::salvage(folder.path()).unwrap();
        assert_eq!(salvage.groups, *run.states.last().unwrap());
        assert_eq!(salvage.identity.incarnation, 0);
        assert_eq!(salvage.incarnation_max, LATER + life);
        let standing = salvage.standing.as_ref().unwrap_err();
        assert!(standing.asks_for_new_replica(), "{standing}");
        assert!(salvage.says_something());
    }
}

#[test]
fn a_move_that_was_broken_off_anywhere_is_completed() {
    let folder = Folder::in_memory("broken-off");
    let run = Run::new(8);
    let image = rebooted(run.images.last().unwrap().clone());
    let aside = folder.path().join("before");
    let moved = ["journal-a", "journal-b", "log.redb", "identity"];
    for count in 0..=moved.len() {
        folder.restore(&image);
        std::fs::create_dir(&aside).unwrap();
        for name in &moved[..count] {
            std::fs::rename(folder.path().join(name), aside.join(name)).unwrap();
        }
        drop(refounded(&folder));
        let salvage = Store::salvage(folder.path()).unwrap();
        assert_eq!(salvage.groups, *run.states.last().unwrap(), "{count} moved");
    }
}

#[test]
fn once_the_new_replica_has_got_everything_what_was_before_is_gone() {
    let folder = Folder::in_memory("superseded");
    folder.restore(&rebooted(Run::new(9).images.last().unwrap().clone()));
    let mut history = History::new(10);
    let mut store = refounded(&folder).store;
    (0..30).for_each(|_| store.write(&history.next()).unwrap());
    store.close().unwrap();
    assert!(folder.path().join("before").exists());
    assert_eq!(
        Store::salvage(folder.path()).unwrap().groups,
        history.state()
    );
    drop(Store::open(folder.path()).unwrap());
    assert!(!folder.path().join("before").exists());
}

#[test]
fn a_folder_that_is_founded_with_what_another_held_holds_just_that() {
    let folder = Folder::in_memory("founded-with");
    let mut history = History::new(11);
    (0..60).for_each(|_| drop(history.next()));
    let mut identity = founding(Durability::Memory).identity;
    identity.incarnation = LATER;
    Store::found_with(folder.path(), &identity, &history.state()).unwrap();
    let opened = Store::open(folder.path()).unwrap();
    assert_eq!(
        (opened.identity, opened.groups),
        (identity, history.state())
    );
    let mut store = opened.store;
    (0..10).for_each(|_| store.write(&history.next()).unwrap());
    store.close().unwrap();
    assert_eq!(common::found_in(folder.path()), history.state());
}
