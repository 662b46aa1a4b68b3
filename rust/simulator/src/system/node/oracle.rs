//! What the log means to a world.

use synced_protocol::{
    message::{Change, LogEntry},
    mutation::{Mutation, Transaction},
    replica,
    store::RaftEntry,
    value::Value,
};
use synced_world::{Effect, Outcome, World};

use crate::system::{Meaning, Op, Oracle};

/// A world that is given the history, and nothing else.
#[derive(Debug, Default)]
pub struct WorldOracle {
    world: World,
    effects: Vec<Effect>,
}

impl Oracle for WorldOracle {
    fn apply(&mut self, entry: &RaftEntry) -> Meaning {
        let Ok(LogEntry { hlc, change }) = replica::decode::<LogEntry>(&entry.data) else {
            return self.meaning();
        };
        self.effects.clear();
        let op = match &change {
            Change::Transaction { transaction, .. } => op_of(transaction),
            _ => None,
        };
        let entry_of_log = LogEntry { hlc, change };
        let outcome = self
            .world
            .apply(entry.index, &entry_of_log, &mut self.effects);
        Meaning {
            op,
            applied: outcome == Ok(Outcome::Applied),
            stamp: Some(hlc),
            ..self.meaning()
        }
    }
}

impl WorldOracle {
    fn meaning(&self) -> Meaning {
        Meaning {
            digest: self.world.replica_digest(),
            view: self.world.digest(),
            ..Meaning::default()
        }
    }
}

/// Which proposal a transaction is: its last step says so.
pub(super) fn op_of(transaction: &Transaction) -> Option<Op> {
    match transaction.steps.last()? {
        Mutation::Call { arguments, .. } => op_in(arguments),
        _ => None,
    }
}

/// Which proposal a call belongs to.
pub(super) fn op_in(arguments: &[Value]) -> Option<Op> {
    match arguments {
        [Value::Int(op)] => Some(Op(op.cast_unsigned())),
        _ => None,
    }
}
