//! The replicated tree takes mutations.

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{LogIndex, NodeId, PlayerId},
    limits::MAX_TRANSACTION_STEPS,
    message::{Change, JoinMark, LogEntry, PlayerEntry},
    mutation::{Mutation, Transaction},
};
use synced_world::{Effect, Outcome, World};

use super::{
    Visitor, Work,
    words::{cup, entry, set, transform},
};

/// Nodes of the world that is changed.
pub(crate) const NODES: u32 = 1_000;
const PLAYER: PlayerId = PlayerId(1);

pub(crate) fn show(visitor: &mut impl Visitor) {
    for mutations in [1, 100, 1_000] {
        visitor.visit(&format!("world/apply/{mutations}"), || {
            Apply::new(mutations, 1)
        });
    }
    let steps = MAX_TRANSACTION_STEPS;
    visitor.visit(&format!("world/apply-at-once/{steps}"), || {
        Apply::new(1, steps)
    });
}

/// A world of many cups that are moved, each to another place every time.
struct Apply {
    world: World,
    effects: Vec<Effect>,
    last: u64,
    entries: usize,
    steps: usize,
}

impl Apply {
    fn new(entries: usize, steps: usize) -> Self {
        let mut apply = Self {
            world: World::new(),
            effects: Vec::new(),
            last: 0,
            entries,
            steps,
        };
        let first = [apply.place(join(PLAYER))];
        apply.run(first.into());
        let spawns = (1..=NODES).map(|counter| Mutation::Spawn(cup(PLAYER, counter)));
        let spawns = spawns
            .map(|spawn| apply.change(vec![spawn]))
            .collect::<Vec<_>>();
        apply.run(spawns);
        apply
    }

    fn change(&mut self, steps: Vec<Mutation>) -> (LogIndex, LogEntry) {
        let transaction = Transaction {
            guards: Vec::new(),
            steps,
        };
        self.place(entry(PLAYER, self.last + 1, transaction))
    }

    fn place(&mut self, entry: LogEntry) -> (LogIndex, LogEntry) {
        self.last += 1;
        (LogIndex(self.last), entry)
    }
}

impl Work for Apply {
    type Input = Vec<(LogIndex, LogEntry)>;
    type Output = Self::Input;

    fn input(&mut self) -> Self::Input {
        let steps = self.steps as u64;
        let change = |apply: &mut Self| {
            let first = apply.last * steps;
            apply.change((first..first + steps).map(movement).collect())
        };
        (0..self.entries).map(|_| change(self)).collect()
    }

    fn run(&mut self, input: Self::Input) -> Self::Output {
        for (index, entry) in &input {
            self.effects.clear();
            let outcome = self.world.apply(*index, entry, &mut self.effects);
            assert_eq!(outcome, Ok(Outcome::Applied));
        }
        input
    }
}

/// Moves one of the cups. Whoever follows on each other here is far apart in the tree.
fn movement(number: u64) -> Mutation {
    const STRIDE: u64 = 387;
    let counter = number * STRIDE % u64::from(NODES) + 1;
    set(
        NodeId::spawned(PLAYER, counter as u32),
        transform(number + 1),
    )
}

fn join(player: PlayerId) -> LogEntry {
    let player = PlayerEntry {
        player,
        name: "Ann".to_owned(),
        hosts: false,
    };
    LogEntry {
        hlc: HlcTimestamp::ZERO,
        change: Change::PlayerJoined {
            player,
            mark: JoinMark::default(),
        },
    }
}
