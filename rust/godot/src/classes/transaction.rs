//! `SyncedTransaction`.

use godot::{classes::Node, prelude::*};
use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    mutation::{Guard, Mutation, Transaction},
};

use super::{SyncedNode, with_core};
use crate::{optional::Arguments, pending::Touch, property::PropertyPath, report, variant};

/// Several changes that happen all or not at all, if what they require holds.
///
/// Add requirements and changes, then [method commit]. The answer is [signal SyncedSession.mutation_confirmed] or
/// [signal SyncedSession.mutation_rejected] with the number that [method commit] returned. Unlike plain writes, the changes
/// show only once they are confirmed.
/// ```gdscript
/// var buy := SyncedTransaction.new()
/// buy.require_version(purse, "coins", purse.get_property_version("coins"))
/// buy.set_property(purse, "coins", coins - 5).transfer_ownership(sword, SyncedSession.get_player_id())
/// buy.commit()
/// ```
#[derive(GodotClass)]
#[class(init, base = RefCounted)]
pub(crate) struct SyncedTransaction {
    transaction: Transaction,
    touches: Vec<Touch>,
    /// The first thing that was wrong; such a transaction is not sent.
    fault: Option<String>,
    base: Base<RefCounted>,
}

#[godot_api]
impl SyncedTransaction {
    /// Requires that the node is in the session.
    #[func]
    fn require_exists(&mut self, node: Gd<SyncedNode>) -> Gd<Self> {
        self.guard(&node, |node| Guard::Exists { node })
    }

    /// Requires that the node is this player's; 0 is nobody.
    #[func]
    fn require_owner(&mut self, node: Gd<SyncedNode>, player_id: i64) -> Gd<Self> {
        match player(player_id) {
            Some(owner) => self.guard(&node, |node| Guard::OwnerIs { node, owner }),
            None => self.fail(format!("require_owner: {player_id} is no player id")),
        }
    }

    /// Requires that the property was not changed since it had this version, see [method SyncedNode.get_property_version].
    #[func]
    fn require_version(
        &mut self,
        node: Gd<SyncedNode>,
        property: GString,
        version: i64,
    ) -> Gd<Self> {
        match property_id(&node, &property) {
            Some(property) => {
                let version = LogIndex(version.max(0).cast_unsigned());
                self.guard(&node, |node| Guard::VersionIs {
                    node,
                    property,
                    version,
                })
            }
            None => self.fail(format!(
                "require_version: \"{property}\" is no synced property of {}",
                node.get_name()
            )),
        }
    }

    /// Sets a synced property.
    #[func]
    fn set_property(
        &mut self,
        node: Gd<SyncedNode>,
        property: GString,
        value: Variant,
    ) -> Gd<Self> {
        let Some(id) = property_id(&node, &property) else {
            return self.fail(format!(
                "set_property: \"{property}\" is no synced property of {}",
                node.get_name()
            ));
        };
        match with_core(|core| variant::to_value(&value, &core.directory)) {
            Ok(value) => self.step(&node, |node| Mutation::SetProperties {
                node,
                properties: vec![(id, value)],
            }),
            Err(fault) => self.fail(format!("set_property(\"{property}\"): {fault}")),
        }
    }

    /// Gives the node to a player; 0 is nobody.
    #[func]
    fn transfer_ownership(&mut self, node: Gd<SyncedNode>, player_id: i64) -> Gd<Self> {
        match player(player_id) {
            Some(to) => self.step(&node, |node| Mutation::TransferOwnership { node, to }),
            None => self.fail(format!("transfer_ownership: {player_id} is no player id")),
        }
    }

    /// Hangs the node's root below another node.
    #[func]
    fn reparent(&mut self, node: Gd<SyncedNode>, new_parent: Gd<Node>) -> Gd<Self> {
        let parent = with_core(|core| core.parent_ref(&new_parent));
        self.step(&node, |node| Mutation::Reparent { node, parent })
    }

    /// Removes the node and all below it.
    #[func]
    fn despawn(&mut self, node: Gd<SyncedNode>) -> Gd<Self> {
        self.step(&node, |node| Mutation::Despawn { node })
    }

    /// Calls a method as [method SyncedNode.call_synced] does.
    #[func]
    fn call_method(
        &mut self,
        node: Gd<SyncedNode>,
        method: StringName,
        #[opt(default = &Arguments::default())] args: Arguments,
    ) -> Gd<Self> {
        let arguments = with_core(|core| {
            args.iter_shared()
                .map(|argument| variant::to_value(&argument, &core.directory))
                .collect::<Result<Vec<_>, _>>()
        });
        match arguments {
            Ok(arguments) => self.step(&node, |node| Mutation::Call {
                node,
                method: method.to_string(),
                arguments,
            }),
            Err(fault) => self.fail(format!(
                "call_method(\"{method}\"): an argument is refused: {fault}"
            )),
        }
    }

    /// Proposes the transaction and empties this object. Returns the proposal's sequence number, or 0 with an error when there
    /// is no session or something in the transaction cannot be sent.
    #[func]
    fn commit(&mut self) -> i64 {
        let (transaction, touches) = (
            std::mem::take(&mut self.transaction),
            std::mem::take(&mut self.touches),
        );
        if let Some(fault) = self.fault.take() {
            godot_error!("SyncedTransaction.commit: nothing was sent. {fault}");
            return 0;
        }
        if transaction.steps.is_empty() {
            godot_error!(
                "SyncedTransaction.commit: nothing was sent, since there is nothing to change"
            );
            return 0;
        }
        match with_core(|core| core.propose(transaction, touches)) {
            Some(seq) => seq.0.cast_signed(),
            None => {
                godot_error!(
                    "SyncedTransaction.commit: there is no session. Wait for SyncedSession.session_joined."
                );
                0
            }
        }
    }

    fn guard(&mut self, node: &Gd<SyncedNode>, build: impl FnOnce(NodeId) -> Guard) -> Gd<Self> {
        match self.id_of(node) {
            Some(id) => self.transaction.guards.push(build(id)),
            None => return self.to_gd(),
        }
        self.to_gd()
    }

    fn step(&mut self, node: &Gd<SyncedNode>, build: impl FnOnce(NodeId) -> Mutation) -> Gd<Self> {
        if let Some(id) = self.id_of(node) {
            self.transaction.steps.push(build(id));
            self.touches.push(Touch::Call(id));
        }
        self.to_gd()
    }

    fn id_of(&mut self, node: &Gd<SyncedNode>) -> Option<NodeId> {
        let id = node.bind().id();
        if id.is_none() {
            report::error(node, "SyncedTransaction: the node is not in the tree");
            self.fail(format!("{} is not in the tree", node.get_name()));
        }
        id
    }

    fn fail(&mut self, fault: String) -> Gd<Self> {
        self.fault.get_or_insert(fault);
        self.to_gd()
    }
}

fn player(id: i64) -> Option<PlayerId> {
    u32::try_from(id)
        .ok()
        .map(PlayerId)
        .filter(|player| *player <= PlayerId::MAX)
}

fn property_id(node: &Gd<SyncedNode>, property: &GString) -> Option<PropertyId> {
    let path = PropertyPath::parse(&property.to_string()).canonical();
    let id = node.bind().id()?;
    with_core(|core| core.locals.get(&id)?.property_id(&path))
}
