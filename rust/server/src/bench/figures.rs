//! What was measured of one crowd.

use serde::Serialize;
use synced_bench::crowd::CrowdResult;

use super::servers::ServerFigures;
use crate::{exit::Failure, serve::unforeseen};

/// One crowd and its servers.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) crowd: CrowdResult,
    pub(super) servers: Option<ServerFigures>,
}

impl Figures {
    /// As one line.
    ///
    /// # Errors
    /// Never, in fact.
    pub(super) fn json(&self) -> Result<String, Failure> {
        let line = serde_json::to_string(self).map_err(unforeseen)?;
        Ok(line + "\n")
    }

    /// That nothing was lost, reordered or cut off.
    ///
    /// # Errors
    /// What was.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let CrowdResult {
            players,
            rejected,
            undecided,
            out_of_order,
            reconnects,
            ..
        } = &self.crowd;
        if self.crowd.is_sound() {
            return Ok(());
        }
        let text = format!(
            "{players} players were too many: {rejected} operations rejected, {undecided} undecided at the end, {out_of_order} seen \
             out of order, {reconnects} connections lost"
        );
        Err(unforeseen(text))
    }
}
