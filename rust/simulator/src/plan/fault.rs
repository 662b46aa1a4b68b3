//! One kind of fault of a plan: when it comes, how long it lasts, whom it hits.

use serde::Deserialize;
use synced_protocol::time::Micros;

use super::{PlanError, probability, within};

/// A kind of fault that comes again and again, or at given times.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What happens.
    pub what: What,
    /// When.
    pub when: When,
    /// The least and the longest time until it is over, in microseconds.
    pub lasts_us: [u64; 2],
    /// Whom it hits.
    pub target: Target,
}

/// When a fault comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// At random, with this mean time between two of them.
    Every(Micros),
    /// At regular times, so far apart.
    Each(Micros),
    /// At these times.
    At(Vec<Micros>),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A server ends without a word, and begins again afterwards.
    Crash(Loses),
    /// A server stands still, as a machine does that is not scheduled.
    Stall,
    /// Servers cannot reach each other.
    Partition(Shape),
    /// What one server sends to another arrives after the fault alone, all of it.
    Clog,
    /// So many more of the packets between all are lost.
    Loss(f64),
    /// Every packet takes so much longer in the mean.
    Delay(Micros),
    /// A server's clock jumps ahead by so much at most, and by half of it at least. Small jumps add up: session time follows the
    /// leader's clock, and a server that begins with another idea of the time than `max_offset` allows hears nobody.
    ClockJump(Micros),
    /// A server's clock runs faster or slower by so many millionths at most.
    ClockDrift(u32),
    /// A server's disk is full; the server begins again afterwards.
    DiskFull,
    /// A server's disk takes so much longer.
    DiskSlow(Micros),
    /// An operator asks the leader to hand over.
    Transfer,
    /// An operator adds servers up to this number, and takes them out again afterwards.
    Grow(u16),
    /// Every server in turn is stopped and begun again.
    RollingRestart,
    /// A player's connection breaks.
    PlayerDisconnect,
    /// A player is gone without a word, and another comes.
    PlayerCrash,
}

impl What {
    /// What the report calls it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Crash(_) => "crashes tried",
            Self::Stall => "stalls",
            Self::Partition(_) => "partitions",
            Self::Clog => "clogged paths",
            Self::Loss(_) => "times of loss",
            Self::Delay(_) => "times of delay",
            Self::ClockJump(_) => "jumps of clocks",
            Self::ClockDrift(_) => "drifts of clocks",
            Self::DiskFull => "full disks",
            Self::DiskSlow(_) => "slow disks",
            Self::Transfer => "handovers",
            Self::Grow(_) => "growths",
            Self::RollingRestart => "rolling restarts",
            Self::PlayerDisconnect => "connections of players broken",
            Self::PlayerCrash => "players gone",
        }
    }
}

/// What a crash takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loses {
    /// Nothing that the system had: the process was killed.
    Nothing,
    /// What the disk did not have yet: the machine lost its power.
    Power,
    /// Everything: the server begins with an empty disk.
    Disk,
    /// The store finds at its next opening that a record is not what was written.
    Record,
}

/// How servers are cut off from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Two groups that hear nothing of each other.
    Halves,
    /// One server that hears of nobody, and nobody of it.
    Isolate,
    /// One server that is not heard, but hears.
    OneWay,
    /// One server that comes and goes.
    Flapping,
    /// Every server alone: nobody can serve until it is over.
    Alone,
}

/// Whom a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Any server.
    #[default]
    Any,
    /// The leader, if there is one; else any server.
    Leader,
}

/// A fault as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    kind: Kind,
    every_ms: Option<u64>,
    each_ms: Option<u64>,
    at_ms: Option<Vec<u64>>,
    lasts_ms: Option<[u64; 2]>,
    target: Option<Target>,
    loses: Option<Loses>,
    shape: Option<Shape>,
    probability: Option<f64>,
    by_us: Option<u64>,
    by_ppm: Option<u32>,
    servers: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Crash,
    Stall,
    Partition,
    Clog,
    Loss,
    Delay,
    ClockJump,
    ClockDrift,
    DiskFull,
    DiskSlow,
    Transfer,
    Grow,
    RollingRestart,
    PlayerDisconnect,
    PlayerCrash,
}

impl Kind {
    const fn is_instant(self) -> bool {
        matches!(
            self,
            Self::ClockJump
                | Self::Transfer
                | Self::RollingRestart
                | Self::PlayerDisconnect
                | Self::PlayerCrash
        )
    }

    const fn hits_one_server(self) -> bool {
        matches!(
            self,
            Self::Crash
                | Self::Stall
                | Self::Partition
                | Self::Clog
                | Self::ClockJump
                | Self::ClockDrift
                | Self::DiskFull
                | Self::DiskSlow
        )
    }
}

impl Entry {
    /// Makes a fault of it; `place` counts the file's faults from 1.
    pub(super) fn check(mut self, place: usize) -> Result<Fault, PlanError> {
        let named = |error: PlanError| PlanError::new(format!("fault {place}: {error}"));
        self.parse().map_err(named)
    }

    fn parse(&mut self) -> Result<Fault, PlanError> {
        let what = self.what()?;
        let fault = Fault {
            what,
            when: self.when()?,
            lasts_us: self.lasts()?,
            target: self.target()?,
        };
        self.nothing_is_left()?;
        Ok(fault)
    }

    fn what(&mut self) -> Result<What, PlanError> {
        Ok(match self.kind {
            Kind::Crash => What::Crash(self.loses.take().unwrap_or(Loses::Nothing)),
            Kind::Stall => What::Stall,
            Kind::Partition => What::Partition(need("shape", self.shape.take())?),
            Kind::Clog => What::Clog,
            Kind::Loss => {
                let loss = need("probability", self.probability.take())?;
                probability("probability", loss)?;
                What::Loss(loss)
            }
            Kind::Delay => What::Delay(self.by()?),
            Kind::ClockJump => What::ClockJump(self.by()?),
            Kind::ClockDrift => {
                let ppm = need("by_ppm", self.by_ppm.take())?;
                within("by_ppm", u64::from(ppm), 1, u64::from(super::DRIFT_PPM_MAX))?;
                What::ClockDrift(ppm)
            }
            Kind::DiskFull => What::DiskFull,
            Kind::DiskSlow => What::DiskSlow(self.by()?),
            Kind::Transfer => What::Transfer,
            Kind::Grow => What::Grow(self.grown()?),
            Kind::RollingRestart => What::RollingRestart,
            Kind::PlayerDisconnect => What::PlayerDisconnect,
            Kind::PlayerCrash => What::PlayerCrash,
        })
    }

    fn by(&mut self) -> Result<Micros, PlanError> {
        let by = need("by_us", self.by_us.take())?;
        within("by_us", by, 1, 60_000_000)?;
        Ok(Micros(by))
    }

    fn grown(&mut self) -> Result<u16, PlanError> {
        let servers = need("servers", self.servers.take())?;
        within("servers", u64::from(servers), 3, 9)?;
        if servers.is_multiple_of(2) {
            return Err(PlanError::new("servers: write an odd number"));
        }
        Ok(servers)
    }

    fn when(&mut self) -> Result<When, PlanError> {
        let when = (self.every_ms.take(), self.each_ms.take(), self.at_ms.take());
        match when {
            (Some(every), None, None) => {
                within("every_ms", every, 1, 3_600_000)?;
                Ok(When::Every(Micros::from_millis(every)))
            }
            (None, Some(each), None) => {
                within("each_ms", each, 1, 3_600_000)?;
                Ok(When::Each(Micros::from_millis(each)))
            }
            (None, None, Some(at)) => {
                Ok(When::At(at.into_iter().map(Micros::from_millis).collect()))
            }
            _ => Err(PlanError::new(
                "write one of every_ms (at random), each_ms (regularly) and at_ms",
            )),
        }
    }

    fn lasts(&mut self) -> Result<[u64; 2], PlanError> {
        if self.kind.is_instant() {
            return Ok([0, 0]);
        }
        let [least, longest] = need("lasts_ms", self.lasts_ms.take())?;
        if least > longest {
            return Err(PlanError::new(
                "lasts_ms: write [least, longest], the least first",
            ));
        }
        within("lasts_ms", longest, 1, 600_000)?;
        Ok([least * 1_000, longest * 1_000])
    }

    fn target(&mut self) -> Result<Target, PlanError> {
        if self.kind.hits_one_server() {
            return Ok(self.target.take().unwrap_or_default());
        }
        Ok(Target::Any)
    }

    fn nothing_is_left(&self) -> Result<(), PlanError> {
        let left = [
            ("lasts_ms", self.lasts_ms.is_some()),
            ("target", self.target.is_some()),
            ("loses", self.loses.is_some()),
            ("shape", self.shape.is_some()),
            ("probability", self.probability.is_some()),
            ("by_us", self.by_us.is_some()),
            ("by_ppm", self.by_ppm.is_some()),
            ("servers", self.servers.is_some()),
        ];
        match left.iter().find(|(_, is_left)| *is_left) {
            None => Ok(()),
            Some((name, _)) => Err(PlanError::new(format!(
                "{name} means nothing to this kind: take it out"
            ))),
        }
    }
}

fn need<T>(name: &str, value: Option<T>) -> Result<T, PlanError> {
    value.ok_or_else(|| PlanError::new(format!("{name} is missing")))
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::*;

    fn parse(fault: &str) -> Result<Fault, String> {
        let plan = Plan::parse(&format!("[[fault]]\n{fault}"));
        plan.map(|mut plan| plan.faults.remove(0))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_fault_says_what_when_how_long_and_whom() {
        let text = "kind = \"crash\"\nloses = \"power\"\nevery_ms = 5\nlasts_ms = [1, 2]\ntarget = \"leader\"";
        let fault = parse(text).unwrap();
        assert_eq!(fault.what, What::Crash(Loses::Power));
        assert_eq!(fault.when, When::Every(Micros(5_000)));
        assert_eq!(fault.lasts_us, [1_000, 2_000]);
        assert_eq!(fault.target, Target::Leader);
    }

    #[test]
    fn a_fault_that_cannot_be_is_refused_by_its_place_with_what_is_wrong() {
        let cases = [
            (
                "kind = \"crash\"\nlasts_ms = [1, 2]",
                "one of every_ms (at random), each_ms (regularly) and at_ms",
            ),
            ("kind = \"crash\"\nevery_ms = 5", "lasts_ms is missing"),
            (
                "kind = \"crash\"\nevery_ms = 5\nlasts_ms = [3, 2]",
                "the least first",
            ),
            (
                "kind = \"loss\"\nevery_ms = 5\nlasts_ms = [1, 2]",
                "probability is missing",
            ),
            (
                "kind = \"transfer\"\nevery_ms = 5\nlasts_ms = [1, 2]",
                "lasts_ms means nothing",
            ),
            (
                "kind = \"loss\"\nprobability = 0.1\nevery_ms = 5\nlasts_ms = [1, 2]\ntarget = \"any\"",
                "target means nothing",
            ),
            (
                "kind = \"grow\"\nservers = 6\nevery_ms = 5\nlasts_ms = [1, 2]",
                "an odd number",
            ),
            (
                "kind = \"clock-drift\"\nby_ppm = 900\nevery_ms = 5\nlasts_ms = [1, 2]",
                "from 1 to 500",
            ),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err();
            assert!(
                error.starts_with("fault 1: ") && error.contains(expected),
                "{text}: {error}"
            );
        }
    }
}
