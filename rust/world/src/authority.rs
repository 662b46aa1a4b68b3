//! Who may do what with a node.

use synced_protocol::{
    id::PlayerId,
    mutation::{Access, Rejection, Transfer},
};

use crate::node::Node;

/// The player who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) player: PlayerId,
    /// Whether the player counts as the server too.
    pub(crate) hosts: bool,
}

impl Asker {
    /// Whether the node is this player's, or the server's for which this player stands.
    pub(crate) fn owns(self, node: &Node) -> bool {
        node.owner() == self.player || (self.hosts && node.owner() == PlayerId::SERVER)
    }

    pub(crate) fn may_write(self, node: &Node) -> Result<(), Rejection> {
        self.may(node.policy().write, node)
    }

    pub(crate) fn may_call(self, node: &Node) -> Result<(), Rejection> {
        self.may(node.policy().call, node)
    }

    pub(crate) fn may_transfer(self, node: &Node, to: PlayerId) -> Result<(), Rejection> {
        let takes = to == self.player;
        let free = node.owner() == PlayerId::SERVER;
        let may = self.owns(node)
            || match node.policy().transfer {
                Transfer::WhenFree => takes && free,
                Transfer::Always => takes,
                Transfer::ByOwner => false,
            };
        if may { Ok(()) } else { Err(not_owner(node)) }
    }

    fn may(self, access: Access, node: &Node) -> Result<(), Rejection> {
        match access {
            Access::Owner if !self.owns(node) => Err(not_owner(node)),
            Access::Server if !self.hosts => Err(Rejection::ServerOnly(node.id())),
            _ => Ok(()),
        }
    }
}

const fn not_owner(node: &Node) -> Rejection {
    Rejection::NotOwner {
        node: node.id(),
        owner: node.owner(),
    }
}
