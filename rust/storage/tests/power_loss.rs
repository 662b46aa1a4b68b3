//! The machine goes down: each file is left as the disk had it, some newer than others. With every write on the disk before it
//! counts, all of it is there whatever the disk did with what it was not told to write.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::collections::BTreeMap;

use common::{Folder, History, founding};
use synced_protocol::store::{Durability, StoredGroup};
use synced_storage::Store;

type Image = BTreeMap<String, Vec<u8>>;

const JOURNALS: [&str; 2] = ["journal-a", "journal-b"];

/// The files after each write of a run, with the state.
fn run(seed: u64) -> Vec<(Image, Vec<StoredGroup>)> {
    let folder = Folder::in_memory("power-loss");
    Store::found(folder.path(), &founding(Durability::Disk)).unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    // In half of the runs what was handed over is not settled before the machine goes down.
    let keeper = seed.is_multiple_of(2).then(|| store.take_keeper().unwrap());
    let mut history = History::new(seed);
    let mut images = Vec::new();
    for _ in 0..24 {
        store.write(&history.next()).unwrap();
        if history.random(0..5) == 0 {
            match &keeper {
                Some(_) => store.hand_over(),
                None => store.settle().unwrap(),
            }
        }
        images.push((folder.image(), history.state()));
    }
    images
}

/// The mark is never waited for while writes go on, so it may be of any time before.
fn with_older_mark(image: &mut Image, before: &[(Image, Vec<StoredGroup>)], random: &mut History) {
    let older = random.random(0..before.len() as u64 + 1);
    if let Some((older, _)) = before.get(usize::try_from(older).unwrap()) {
        image.insert("mark".to_owned(), older["mark"].clone());
    }
}

/// That a journal was emptied is not waited for either: what was in it when it was settled may come back.
fn with_revived_journal(image: &mut Image, before: &[(Image, Vec<StoredGroup>)]) {
    for name in JOURNALS {
        let last_full = before
            .iter()
            .rev()
            .find(|(image, _)| !image[name].is_empty());
        if let (true, Some((older, _))) = (image[name].is_empty(), last_full) {
            image.insert(name.to_owned(), older[name].clone());
        }
    }
}

/// The write that was under way may have left a beginning, or noise where its beginning would be.
fn with_torn_write(
    image: &mut Image,
    after: Option<&(Image, Vec<StoredGroup>)>,
    random: &mut History,
) {
    for name in JOURNALS {
        let Some(next) = after.map(|(next, _)| &next[name]) else {
            continue;
        };
        let now = image[name].len();
        if next.len() > now && now > 0 {
            let end = usize::try_from(random.random(now as u64..next.len() as u64)).unwrap();
            let mut torn = next[..end].to_vec();
            if random.random(0..2) == 0 {
                torn[now..].fill(0);
            }
            image.insert(name.to_owned(), torn);
        }
    }
}

#[test]
fn all_that_was_on_the_disk_is_there_whichever_of_the_files_are_older() {
    let folder = Folder::in_memory("after-power-loss");
    let mut changed = 0;
    for seed in 0..12 {
        let images = run(seed);
        let mut random = History::new(seed);
        for (number, (image, state)) in images.iter().enumerate() {
            let mut left = image.clone();
            with_older_mark(&mut left, &images[..number], &mut random);
            with_revived_journal(&mut left, &images[..number]);
            with_torn_write(&mut left, images.get(number + 1), &mut random);
            changed += u32::from(left != *image);
            folder.restore(&left);
            let opened = Store::open(folder.path()).unwrap();
            assert!(opened.groups == *state, "seed {seed}, write {number}");
        }
    }
    assert!(changed > 200, "{changed}");
}
