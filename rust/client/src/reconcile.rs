//! What is shown while a player's own writes are still to be decided.

use synced_protocol::id::{ClientSeq, LogIndex};

/// A value that the player may write: shown at once, decided later.
///
/// Of several writes under way only the newest counts, since decisions come in the order of the proposals: while it is
/// undecided its value stays shown, whatever else is confirmed; once it is decided, what is confirmed is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot<V> {
    confirmed: V,
    version: LogIndex,
    own: Option<Own<V>>,
}

/// The player's newest write, while it is undecided.
#[derive(Debug, Clone, PartialEq)]
struct Own<V> {
    value: V,
    seq: ClientSeq,
}

impl<V: PartialEq> Slot<V> {
    /// A slot with a confirmed value.
    #[must_use]
    pub const fn new(value: V, version: LogIndex) -> Self {
        Self {
            confirmed: value,
            version,
            own: None,
        }
    }

    /// What the player sees.
    #[must_use]
    pub fn shown(&self) -> &V {
        self.own.as_ref().map_or(&self.confirmed, |own| &own.value)
    }

    /// What everybody has agreed on.
    #[must_use]
    pub const fn confirmed(&self) -> &V {
        &self.confirmed
    }

    /// The log entry that wrote the confirmed value.
    #[must_use]
    pub const fn version(&self) -> LogIndex {
        self.version
    }

    /// The player's newest undecided write.
    #[must_use]
    pub fn pending(&self) -> Option<ClientSeq> {
        self.own.as_ref().map(|own| own.seq)
    }

    /// The player wrote a value and proposed it as `seq`.
    pub fn wrote(&mut self, value: V, seq: ClientSeq) {
        self.own = Some(Own { value, seq });
    }

    /// A commit wrote the value, by the player's own proposal `own` if set. Returns what is to be shown now, if it is
    /// not shown already.
    pub fn committed(&mut self, value: V, version: LogIndex, own: Option<ClientSeq>) -> Option<&V> {
        let decided = own.and_then(|seq| self.decided(seq));
        let is_shown = decided.as_ref().unwrap_or(&self.confirmed) == &value;
        self.confirmed = value;
        self.version = version;
        (self.own.is_none() && !is_shown).then_some(&self.confirmed)
    }

    /// As [`committed`](Self::committed) by somebody else's proposal, with a value that is known to be another than the confirmed one:
    /// the two need not be compared.
    pub fn committed_other(&mut self, value: V, version: LogIndex) -> Option<&V> {
        self.confirmed = value;
        self.version = version;
        self.own.is_none().then_some(&self.confirmed)
    }

    /// A proposal of the player changed nothing, or was decided nobody knows how. Returns what is to be shown now, if it
    /// is not shown already.
    pub fn rejected(&mut self, seq: ClientSeq) -> Option<&V> {
        let decided = self.decided(seq)?;
        (decided != self.confirmed).then_some(&self.confirmed)
    }

    /// Gives the own value that was shown until now, if that is what was decided.
    fn decided(&mut self, seq: ClientSeq) -> Option<V> {
        self.own.take_if(|own| own.seq <= seq).map(|own| own.value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// Plays lines like `wrote red 1`, `committed red own 1`, `committed blue`, `rejected 1` and writes beside each what
    /// the player sees then, and `*` while a write is undecided.
    fn transcript(lines: &str) -> String {
        let mut slot = Slot::new("white".to_owned(), LogIndex(1));
        let mut version = 1;
        let seq = |word: &str| ClientSeq(word.parse().unwrap());
        let play = |line: &str| {
            let before = slot.shown().clone();
            let told = match *line.split_whitespace().collect::<Vec<_>>() {
                ["wrote", value, at] => {
                    slot.wrote(value.into(), seq(at));
                    None
                }
                ["committed", value, ref own @ ..] => {
                    version += 1;
                    let own = own.get(1).map(|word| seq(word));
                    slot.committed(value.into(), LogIndex(version), own)
                        .cloned()
                }
                ["rejected", at] => slot.rejected(seq(at)).cloned(),
                _ => panic!("no such line: {line}"),
            };
            if !line.starts_with("wrote") {
                assert_eq!(told.is_some(), before != *slot.shown(), "at {line}");
            }
            let star = if slot.pending().is_some() { "*" } else { "" };
            format!("{line} -> {}{star}\n", slot.shown())
        };
        lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(play)
            .collect()
    }

    #[test]
    fn an_own_write_is_shown_at_once_and_stays_when_it_is_confirmed() {
        let seen = transcript("wrote red 1\ncommitted red own 1");
        assert_eq!(seen, "wrote red 1 -> red*\ncommitted red own 1 -> red\n");
    }

    #[test]
    fn a_rejected_write_gives_way_to_what_was_confirmed_in_the_meantime() {
        let seen = transcript("wrote red 1\ncommitted blue\nrejected 1");
        assert_eq!(
            seen,
            "wrote red 1 -> red*\ncommitted blue -> red*\nrejected 1 -> blue\n"
        );
    }

    #[test]
    fn of_several_writes_under_way_only_the_newest_counts() {
        let seen = transcript("wrote red 1\nwrote blue 2\ncommitted red own 1\nrejected 2");
        assert_eq!(
            seen,
            "wrote red 1 -> red*\nwrote blue 2 -> blue*\ncommitted red own 1 -> blue*\nrejected 2 -> red\n"
        );
    }

    #[test]
    fn two_players_take_one_cup_and_the_loser_sees_it_go_only_when_told_so() {
        let seen = transcript("wrote me 1\ncommitted other\nrejected 1");
        assert_eq!(
            seen,
            "wrote me 1 -> me*\ncommitted other -> me*\nrejected 1 -> other\n"
        );
    }

    #[test]
    fn a_write_that_was_rejected_before_older_ones_were_decided_does_not_bring_them_back() {
        let seen = transcript("wrote red 1\nwrote huge 2\nrejected 2\ncommitted red own 1");
        assert_eq!(
            seen,
            "wrote red 1 -> red*\nwrote huge 2 -> huge*\nrejected 2 -> white\ncommitted red own 1 -> red\n"
        );
    }

    #[derive(Debug, Clone)]
    enum Step {
        Write(u8),
        Foreign(u8),
        Decide { accepted: bool },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<u8>().prop_map(Step::Write),
            any::<u8>().prop_map(Step::Foreign),
            any::<bool>().prop_map(|accepted| Step::Decide { accepted }),
        ];
        prop::collection::vec(step, 0..60)
    }

    /// The leader: decides proposals in order.
    struct Model {
        under_way: VecDeque<(ClientSeq, u8)>,
        confirmed: u8,
        version: LogIndex,
        slot: Slot<u8>,
    }

    impl Model {
        fn decide(&mut self, accepted: bool) {
            let Some((seq, value)) = self.under_way.pop_front() else {
                return;
            };
            if accepted {
                self.commit(value, Some(seq));
            } else {
                self.slot.rejected(seq);
            }
        }

        fn commit(&mut self, value: u8, own: Option<ClientSeq>) {
            self.version = self.version.next();
            self.confirmed = value;
            let (slot, version) = (&mut self.slot, self.version);
            if own.is_none() && *slot.confirmed() != value {
                let mut compared = slot.clone();
                let shown = compared.committed(value, version, None).copied();
                assert_eq!(slot.committed_other(value, version).copied(), shown);
                assert_eq!(*slot, compared);
            } else {
                slot.committed(value, version, own);
            }
        }
    }

    proptest! {
        #[test]
        fn after_all_decisions_what_is_shown_is_what_is_confirmed(steps in steps()) {
            let mut model = Model {
                under_way: VecDeque::new(), confirmed: 0, version: LogIndex(1), slot: Slot::new(0, LogIndex(1)),
            };
            let mut seq = ClientSeq(0);
            for step in steps {
                match step {
                    Step::Write(value) => {
                        seq = seq.next();
                        model.under_way.push_back((seq, value));
                        model.slot.wrote(value, seq);
                    }
                    Step::Foreign(value) => model.commit(value, None),
                    Step::Decide { accepted } => model.decide(accepted),
                }
                let newest = model.under_way.back().map_or(model.confirmed, |(_, value)| *value);
                prop_assert_eq!(*model.slot.shown(), newest, "the own newest write shows until it is decided");
            }
            while !model.under_way.is_empty() {
                model.decide(false);
            }
            prop_assert_eq!(model.slot.shown(), &model.confirmed);
            prop_assert_eq!(model.slot.confirmed(), &model.confirmed);
            prop_assert_eq!(model.slot.version(), model.version);
        }
    }
}
