//! How players come in: a few at a time, so that those who are in still have their frames and servers are not overrun.

use synced_transport::ClientThread;

use super::{
    Crowd,
    member::{Member, Newcomer},
};
use crate::{BenchError, Outcome};

/// How many players of one process join at once.
const AT_THE_DOOR_MAX: usize = 4;

pub(super) struct Door<'a> {
    crowd: &'a Crowd,
    network: ClientThread,
    begun: usize,
    newcomers: Vec<Newcomer>,
}

impl<'a> Door<'a> {
    pub(super) fn new(crowd: &'a Crowd) -> Outcome<Self> {
        Ok(Self {
            crowd,
            network: ClientThread::start().map_err(BenchError::new)?,
            begun: 0,
            newcomers: Vec::new(),
        })
    }

    /// Lets the next ones begin, and those in who are there.
    pub(super) fn look(&mut self, members: &mut Vec<Member>) -> Outcome {
        while self.begun < self.crowd.players && self.newcomers.len() < AT_THE_DOOR_MAX {
            self.begin()?;
        }
        let mut place = 0;
        while let Some(newcomer) = self.newcomers.get_mut(place) {
            match newcomer.is_in()? {
                Some(id) => members.push(self.newcomers.swap_remove(place).come_in(id)),
                None => place += 1,
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Outcome {
        let crowd = self.crowd;
        // They do not all write in one frame.
        let share = self.begun as f64 / crowd.players as f64;
        let session = crowd.session(self.begun);
        let newcomer = Newcomer::begin(&self.network, &crowd.server, session, crowd.pace, share)?;
        self.newcomers.push(newcomer);
        self.begun += 1;
        Ok(())
    }
}
