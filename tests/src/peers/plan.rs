//! What is measured, how often, and for how long.

use std::{fmt, str::FromStr, time::Duration};

use crate::Failure;

/// A piece of work: objects that move sixty times a second, and clients who look on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// How many objects move.
    pub objects: u32,
    /// How many clients look on.
    pub clients: u32,
    /// Of a thousand packets to and from the client that is looked at, how many are lost.
    pub loss_permille: u16,
}

/// Which cells, how often each, and how long at a time. Repetitions go round by round: each round has every peer at a cell
/// before the next cell, so that whatever the machine does in between falls on all alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is measured in each round.
    pub rounds: Vec<Vec<Step>>,
    /// How long everybody gets used to a cell before it is looked at.
    pub settling: Duration,
    /// How long it is looked at.
    pub span: Duration,
}

/// One cell, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The cell.
    pub cell: Cell,
    /// Whether the peers with other settings than their defaults do it too.
    pub tuned: bool,
}

const OBJECTS: [u32; 4] = [1, 20, 100, 500];
const CLIENTS: [u32; 3] = [1, 4, 16];
const LOSSES_PERMILLE: [u16; 4] = [0, 10, 50, 100];
/// The cell of which the losses are looked at.
const LOSSY: Cell = Cell::lossless(20, 1);
/// The cells that say most, which are repeated.
const BUSY: Cell = Cell::lossless(100, 4);
const BUSIER: Cell = Cell::lossless(100, 16);
/// As many clients as a session may have: without an engine, where they fit into one machine.
const CROWDED: Cell = Cell::lossless(20, 100);

/// How often a cell is measured that is measured alone.
const ROUNDS_OF_ONE: usize = 5;
/// In Godot: until a late start is forgotten, which the shown delay follows slowly.
const SETTLING: Duration = Duration::from_millis(1_500);
const SPAN: Duration = Duration::from_secs(2);
const SETTLING_HEADLESS: Duration = Duration::from_millis(300);
const SPAN_HEADLESS: Duration = Duration::from_millis(800);

impl Cell {
    /// On a network that loses nothing.
    #[must_use]
    pub const fn lossless(objects: u32, clients: u32) -> Self {
        Self {
            objects,
            clients,
            loss_permille: 0,
        }
    }

    /// The same with loss.
    #[must_use]
    pub const fn losing(self, loss_permille: u16) -> Self {
        Self {
            loss_permille,
            ..self
        }
    }

    /// Work for every peer.
    #[must_use]
    pub const fn by_all(self) -> Step {
        Step {
            cell: self,
            tuned: true,
        }
    }

    /// Work for the peers with default settings alone.
    #[must_use]
    pub const fn by_defaults(self) -> Step {
        Step {
            cell: self,
            tuned: false,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            objects, clients, ..
        } = self;
        let loss = f64::from(self.loss_permille) / 10.0;
        write!(f, "{objects} objects, {clients} clients, {loss} % lost")
    }
}

/// Objects and clients with an `x` between them; nothing is lost.
impl FromStr for Cell {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let numbers = text.split_once('x');
        let numbers = numbers
            .and_then(|(objects, clients)| Some((objects.parse().ok()?, clients.parse().ok()?)));
        match numbers {
            Some((objects @ 1.., clients @ 1..)) => Ok(Self::lossless(objects, clients)),
            _ => Err(Failure::new(format!("{text} is not like 20x100"))),
        }
    }
}

impl Plan {
    /// Some cells in Godot, half a minute.
    #[must_use]
    pub fn quick_in_godot() -> Self {
        Self {
            rounds: vec![vec![BUSY.by_all(), LOSSY.losing(50).by_defaults()]],
            settling: SETTLING,
            span: SPAN,
        }
    }

    /// One cell without an engine, ten seconds.
    #[must_use]
    pub fn quick_headless() -> Self {
        Self {
            rounds: vec![vec![BUSY.by_all()]; 2],
            settling: SETTLING_HEADLESS,
            span: SPAN_HEADLESS,
        }
    }

    /// In Godot the whole grid once with default settings, all losses with all, and two more rounds of the cells that say most.
    /// Four and a half minutes.
    #[must_use]
    pub fn full_in_godot() -> Self {
        let again = [BUSY.by_all(), LOSSY.losing(50).by_all()];
        let mut rounds = vec![steps_of_grid()];
        rounds[0].extend(losses());
        rounds.extend(vec![again.to_vec(); 2]);
        Self {
            rounds,
            settling: SETTLING,
            span: SPAN,
        }
    }

    /// Without an engine the whole grid once with default settings, all losses with all, and two more rounds of the cells that say
    /// most. Four minutes.
    #[must_use]
    pub fn full_headless() -> Self {
        let again = [
            BUSY.by_all(),
            BUSIER.by_all(),
            CROWDED.by_all(),
            LOSSY.losing(50).by_all(),
        ];
        let mut rounds = vec![steps_of_grid()];
        rounds[0].extend(losses());
        rounds[0].push(CROWDED.by_all());
        rounds.extend(vec![again.to_vec(); 2]);
        Self {
            rounds,
            settling: SETTLING_HEADLESS,
            span: SPAN_HEADLESS,
        }
    }

    /// One cell by all peers, five times.
    #[must_use]
    pub fn of_one(self, cell: Cell) -> Self {
        Self {
            rounds: vec![vec![cell.by_all()]; ROUNDS_OF_ONE],
            ..self
        }
    }

    /// The most clients of any cell.
    #[must_use]
    pub fn clients_max(&self) -> u32 {
        let clients = self.rounds.iter().flatten().map(|step| step.cell.clients);
        clients.max().unwrap_or(0)
    }

    /// Every step of every round, and a number that says which peer is first.
    pub fn in_turn(&self) -> impl Iterator<Item = (Step, usize)> {
        let rounds = self.rounds.iter().enumerate();
        rounds.flat_map(|(turn, steps)| steps.iter().map(move |step| (*step, turn)))
    }
}

/// Each number of objects for each number of clients.
pub fn grid() -> impl Iterator<Item = Cell> {
    let row = |objects: u32| CLIENTS.map(|clients| Cell::lossless(objects, clients));
    OBJECTS.into_iter().flat_map(row)
}

/// Those cells of the grid that are repeated by all peers, the rest by those with default settings.
fn steps_of_grid() -> Vec<Step> {
    let step = |cell| Step {
        cell,
        tuned: [BUSY, BUSIER, LOSSY].contains(&cell),
    };
    grid().map(step).collect()
}

/// Every loss, for all peers.
fn losses() -> impl Iterator<Item = Step> {
    let losses = LOSSES_PERMILLE[1..].iter();
    losses.map(|loss| LOSSY.losing(*loss).by_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(steps: &[Step]) -> Vec<Cell> {
        steps.iter().map(|step| step.cell).collect()
    }

    #[test]
    fn the_first_full_round_has_the_whole_grid_and_every_loss() {
        for (plan, clients_max) in [(Plan::full_in_godot(), 16), (Plan::full_headless(), 100)] {
            let first = cells(&plan.rounds[0]);
            for objects in OBJECTS {
                for clients in CLIENTS {
                    assert!(first.contains(&Cell::lossless(objects, clients)));
                }
            }
            for loss in &LOSSES_PERMILLE[1..] {
                assert!(first.contains(&LOSSY.losing(*loss)));
            }
            assert_eq!(plan.clients_max(), clients_max);
        }
    }

    #[test]
    fn a_cell_is_read_from_its_two_numbers_which_are_not_zero() {
        assert_eq!("20x100".parse(), Ok(Cell::lossless(20, 100)));
        for text in ["20", "0x1", "1x0", "x", "1x2x3"] {
            assert!(text.parse::<Cell>().is_err(), "{text}");
        }
    }

    #[test]
    fn whatever_is_repeated_was_done_by_the_same_peers_in_the_first_round() {
        for plan in [Plan::full_in_godot(), Plan::full_headless()] {
            let (first, later) = plan.rounds.split_first().unwrap();
            assert!(later.len() >= 2);
            assert!(later.iter().flatten().all(|step| first.contains(step)));
        }
    }

    #[test]
    fn steps_come_round_by_round_and_each_round_begins_with_another_peer() {
        let plan = Plan::quick_headless();
        let turns: Vec<_> = plan.in_turn().map(|(_, turn)| turn).collect();
        assert_eq!(turns, [0, 1]);
    }
}
