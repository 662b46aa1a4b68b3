//! What counts as a word of a leader that lives, and what does not count as its silence.

use synced_protocol::time::Micros;

use crate::{
    codec::{
        Append, AppendAnswer, GroupMessage, Message, SnapshotOffer, SnapshotPart, SnapshotPlace,
        VoteRequest,
    },
    loyal::{HEARD, LOYALTY, PRE, about, ask, beat, grants, loyal},
    testing::{One, founded},
};

#[test]
fn a_stall_of_its_own_makes_no_promise_longer_and_is_no_silence_of_the_leader() {
    let mut one = loyal(2);
    let woken = HEARD + Micros::from_millis(500);
    assert_eq!(one.advance(woken), [], "it does not stand");
    assert_eq!(one.status().leader.map(|leader| leader.0), Some(2));
    // Of the five ticks that it waits two were made up for.
    for tick in 1..=2 {
        assert_eq!(one.status().counters.elections_started, 0);
        one.advance(woken + Micros::from_millis(tick));
    }
    assert_eq!(one.status().counters.elections_started, 0);
    one.advance(woken + Micros::from_millis(3));
    assert_eq!(one.status().counters.elections_started, 1);
    let mut other = loyal(2);
    assert!(grants(&ask(
        &mut other,
        woken,
        VoteRequest { term: 3, ..PRE }
    )));
}

#[test]
fn a_heartbeat_that_says_nothing_new_is_answered_like_the_first() {
    let mut one = One::begin(Micros::ZERO);
    let mut answer = |sent_at| match one.hear(HEARD, 2, &beat(2, sent_at)).pop() {
        Some(Message::BeatAnswers(LOYALTY, answer)) => (answer.sent_at, answer.beats),
        other => panic!("{other:?}"),
    };
    let (first, again) = (answer(Micros(7)), answer(Micros(8)));
    assert_eq!((first.0, again.0), (Micros(7), Micros(8)));
    assert_eq!(first.1, again.1);
}

/// Everything that a leader may say; an offer first, so that a part belongs to it.
fn words() -> Vec<Message> {
    let place = SnapshotPlace { index: 9, term: 2 };
    let append = Append {
        term: 2,
        previous: (1, 1),
        committed: 1,
        entries: Vec::new(),
    };
    let part = SnapshotPart {
        place,
        number: 5,
        bytes: vec![0].into(),
    };
    vec![
        offer(2),
        about(GroupMessage::SnapshotPart(part)),
        about(GroupMessage::Append(append)),
        beat(2, Micros(9)),
    ]
}

fn offer(term: u64) -> Message {
    let offer = SnapshotOffer {
        term,
        place: SnapshotPlace { index: 9, term: 2 },
        parts: 8,
        bytes: 80,
        members: founded().snapshot.members.clone(),
    };
    about(GroupMessage::SnapshotOffer(offer))
}

/// Listens to one word every three ticks for a while, then to nothing; after how many ticks of that it stood.
fn listen(one: &mut One, word: &Message) -> usize {
    let stood = |one: &mut One, now: &mut Micros| {
        *now = *now + Micros(1_000);
        one.advance(*now);
        one.status().counters.elections_started > 0
    };
    let mut now = HEARD;
    for _ in 0..20 {
        if (0..3).any(|_| stood(one, &mut now)) {
            return 0;
        }
        one.hear(now, 2, word);
    }
    (1..).find(|_| stood(one, &mut now)).unwrap()
}

#[test]
fn whatever_a_leader_says_is_heard_as_a_word_of_a_leader_that_lives() {
    for (place, word) in words().iter().enumerate() {
        let mut one = loyal(2);
        one.hear(HEARD, 2, &words()[0]);
        let last = HEARD + Micros(3_000);
        one.hear(last, 2, word);
        let request = VoteRequest { term: 3, ..PRE };
        let asked = ask(&mut one, last + LOYALTY - Micros(1), request);
        assert_eq!(asked, [], "word {place} is owed as much as any");
        let mut one = loyal(2);
        one.hear(HEARD, 2, &words()[0]);
        // It has lived through silences of three ticks, and takes none of five for the end.
        assert_eq!(listen(&mut one, word), 6, "word {place}");
    }
}

#[test]
fn what_comes_late_of_a_snapshot_of_a_former_leader_keeps_nobody_from_standing() {
    let learned = AppendAnswer {
        term: 3,
        index: 1,
        committed: 1,
        refused: None,
    };
    for word in words() {
        let mut one = loyal(2);
        one.hear(HEARD, 2, &words()[0]);
        one.hear(HEARD, 3, &about(GroupMessage::AppendAnswer(learned)));
        assert_eq!(listen(&mut one, &word), 0, "{word:?}");
    }
}
