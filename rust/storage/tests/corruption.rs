//! What is damaged is noticed: opening gives exactly what was written, or an error that names the file.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::collections::BTreeMap;

use common::{Folder, History, founding};
use synced_protocol::store::{Durability, StoredGroup};
use synced_storage::{StorageError, Store};

type Image = BTreeMap<String, Vec<u8>>;

/// What opening a store may take beyond what is in its files, in bytes.
const OVERHEAD_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How often each file is damaged, in each way.
const SAMPLES: u64 = 240;

/// A folder's files with what they say, as they are while the server runs: some writes are settled, some are in a journal.
fn running(seed: u64) -> (Image, Vec<StoredGroup>) {
    let folder = Folder::in_memory("running");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    let mut history = History::new(seed);
    for round in 0..4 {
        (0..40).for_each(|_| store.write(&history.next()).unwrap());
        if round < 3 {
            store.settle().unwrap();
        }
    }
    (folder.image(), history.state())
}

/// The same as the server leaves them when it is stopped.
fn stopped(seed: u64) -> (Image, Vec<StoredGroup>) {
    let (image, state) = running(seed);
    let folder = Folder::in_memory("stopped");
    folder.restore(&image);
    Store::open(folder.path()).unwrap().store.close().unwrap();
    (folder.image(), state)
}

/// What became of damaged folders.
#[derive(Debug, Default)]
struct Tally {
    noticed: u32,
    harmless: u32,
}

/// Opens the damaged folder and finds the truth in it, or an error about the file.
fn check(folder: &Folder, damaged: &Image, name: &str, state: &[StoredGroup], tally: &mut Tally) {
    folder.restore(damaged);
    let size: usize = damaged.values().map(Vec::len).sum();
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(Store::open(folder.path())));
    let limit = 4 * size as u64 + OVERHEAD_BYTES_MAX;
    assert!(used.bytes_max < limit, "{} bytes", used.bytes_max);
    match result.unwrap() {
        Ok(opened) => {
            assert!(opened.groups == state, "a wrong state");
            tally.harmless += 1;
        }
        Err(error) => {
            let text = error.to_string();
            assert!(matches!(error, StorageError::Corrupt { .. }), "{text}");
            assert!(text.contains(name), "{text}");
            assert!(text.contains("delete the folder"), "{text}");
            tally.noticed += 1;
        }
    }
}

/// Damages each file that is not empty at sampled places.
fn damage(
    (image, state): &(Image, Vec<StoredGroup>),
    random: &mut History,
    mut change: impl FnMut(&mut Vec<u8>, usize, &mut History),
) -> BTreeMap<String, Tally> {
    let folder = Folder::in_memory("damaged");
    let mut tallies = BTreeMap::new();
    for (name, bytes) in image.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let tally: &mut Tally = tallies.entry(name.clone()).or_default();
        for sample in 0..SAMPLES {
            let place = sample_place(sample, bytes.len(), random);
            let mut damaged = image.clone();
            change(damaged.get_mut(name).unwrap(), place, random);
            eprintln!("{name} at {place}");
            check(&folder, &damaged, name, state, tally);
        }
    }
    tallies
}

/// Half of them near the front, where headers are.
fn sample_place(sample: u64, len: usize, random: &mut History) -> usize {
    let end = if sample < SAMPLES / 2 {
        len.min(512)
    } else {
        len
    };
    usize::try_from(random.random(0..end as u64)).unwrap()
}

fn flip(bytes: &mut [u8], place: usize, random: &mut History) {
    bytes[place] ^= 1 << random.random(0..8);
}

#[test]
fn a_flipped_bit_is_noticed_or_hurts_nothing() {
    for seed in 0..2 {
        for image in [running(seed), stopped(seed)] {
            let tallies = damage(&image, &mut History::new(seed), |bytes, place, random| {
                flip(bytes, place, random);
            });
            for (name, tally) in &tallies {
                assert!(tally.noticed > 0, "{name}: {tally:?}");
            }
            for name in ["identity", "mark", "journal-a", "journal-b"] {
                let harmless = tallies.get(name).map_or(0, |tally| tally.harmless);
                assert_eq!(harmless, 0, "{name}");
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_noticed() {
    for image in [running(3), stopped(3)] {
        for (name, tally) in damage(&image, &mut History::new(3), |bytes, place, _| {
            bytes.truncate(place);
        }) {
            assert_eq!(tally.harmless, 0, "{name}");
        }
    }
}

#[test]
fn noise_over_a_part_of_a_file_is_noticed_or_hurts_nothing() {
    let noise = |bytes: &mut Vec<u8>, place: usize, random: &mut History| {
        let end = bytes.len().min(place + 600);
        let noise = |byte: &mut u8| *byte = random.random(0..256) as u8;
        bytes[place..end].iter_mut().for_each(noise);
    };
    damage(&running(4), &mut History::new(4), noise);
}

#[test]
fn a_file_that_is_missing_is_named() {
    let (image, state) = running(5);
    let folder = Folder::in_memory("missing");
    for name in ["mark", "journal-a", "journal-b", "log.redb"] {
        let mut damaged = image.clone();
        damaged.remove(name);
        let mut tally = Tally::default();
        check(&folder, &damaged, name, &state, &mut tally);
        assert_eq!(tally.noticed, 1, "{name}");
    }
}

#[test]
fn a_file_from_before_is_not_taken_for_the_one_of_now() {
    let folder = Folder::in_memory("stale");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    let mut history = History::new(6);
    let mut images = Vec::new();
    for _ in 0..2 {
        (0..30).for_each(|_| store.write(&history.next()).unwrap());
        store.settle().unwrap();
        (0..3).for_each(|_| store.write(&history.next()).unwrap());
        images.push(folder.image());
    }
    drop(store);
    for name in ["journal-a", "journal-b", "log.redb"] {
        let mut damaged = images[1].clone();
        damaged.insert(name.to_owned(), images[0][name].clone());
        folder.restore(&damaged);
        match Store::open(folder.path()) {
            Ok(opened) => assert!(opened.groups == history.state(), "{name}"),
            Err(error) => assert!(matches!(error, StorageError::Corrupt { .. }), "{error}"),
        }
    }
}

#[test]
fn a_last_write_that_was_torn_and_never_acknowledged_is_forgotten() {
    let folder = Folder::in_memory("torn");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    let mut history = History::new(8);
    (0..30).for_each(|_| store.write(&history.next()).unwrap());
    let before = (folder.image(), history.state());
    store.write(&history.next()).unwrap();
    let (after, whole) = (folder.image(), history.state());
    drop(store);
    let name = ["journal-a", "journal-b"]
        .into_iter()
        .find(|name| before.0[*name] != after[*name])
        .unwrap();
    let (shorter, longer) = (before.0[name].len(), after[name].len());
    for len in (shorter..longer).step_by(7).chain([longer]) {
        // The mark is of before: so it is while the write is under way.
        let mut torn = before.0.clone();
        torn.insert(name.to_owned(), after[name][..len].to_vec());
        folder.restore(&torn);
        let expected = if len == longer { &whole } else { &before.1 };
        let opened = Store::open(folder.path()).unwrap();
        assert!(opened.groups == *expected, "cut off at {len}");
    }
}
