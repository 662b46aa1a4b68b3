//! The rules by which a bridge drops packets.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
};

use super::run;
use crate::{Failure, Outcome};

const FOUND: &str = "add table bridge faults; add chain bridge faults drops { type filter hook forward priority 0; }";
const END_ALL: &str = "flush chain bridge faults drops";
const ASK: &str = "list tables bridge";
/// The answer to [`ASK`] once all that was said before is done.
const ANSWER: &str = "table bridge faults";

/// An nft that takes orders for as long as its network is there: to start one takes longer than servers need to notice.
#[derive(Debug)]
pub(super) struct Faults {
    nft: Child,
    orders: ChildStdin,
    answers: BufReader<PipeReader>,
}

impl Faults {
    /// Begins with none. `nft` makes a command of that program.
    pub(super) fn begin(nft: impl Fn() -> Command) -> Outcome<Self> {
        run(nft().arg(FOUND))?;
        let (answers, told) = io::pipe().map_err(Failure::of("no pipe"))?;
        let same = told.try_clone().map_err(Failure::of("no pipe"))?;
        let mut command = nft();
        command.arg("-i").stdin(Stdio::piped());
        command.stdout(told).stderr(same);
        let mut nft = command.spawn().map_err(Failure::of("nft does not start"))?;
        let orders = nft.stdin.take();
        Ok(Self {
            nft,
            orders: orders.ok_or_else(|| Failure::new("nft takes no orders"))?,
            answers: BufReader::new(answers),
        })
    }

    /// These rules hold too, from one instant on.
    pub(super) fn add(&mut self, rules: &[String]) -> Outcome {
        let orders = rules
            .iter()
            .map(|rule| format!("add rule bridge faults drops {rule}"));
        self.order(&orders.collect::<Vec<_>>().join("; "))
    }

    /// No rule holds any more, from one instant on.
    pub(super) fn end_all(&mut self) -> Outcome {
        self.order(END_ALL)
    }

    /// Returns when it is done.
    fn order(&mut self, order: &str) -> Outcome {
        let failed = |error| Failure::of(format!("nft did not do {order:?}"))(error);
        writeln!(self.orders, "{order}\n{ASK}").map_err(failed)?;
        let mut said = String::new();
        loop {
            let before = said.len();
            let length = self.answers.read_line(&mut said).map_err(failed)?;
            let is_done = said[before..].trim_end() == ANSWER;
            match (length, before) {
                (0, _) => return Err(refused(order, &said)),
                (_, 0) if is_done => return Ok(()),
                _ if is_done => return Err(refused(order, &said[..before])),
                _ => {}
            }
        }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        let _ = self.nft.kill();
        let _ = self.nft.wait();
    }
}

fn refused(order: &str, said: &str) -> Failure {
    Failure::new(format!("nft did not do {order:?}")).with("it says", said)
}
