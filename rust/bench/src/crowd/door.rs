//! How players come in: a few at a time, so that those who are in still have their frames and servers are not overrun.

use synced_transport::ClientThread;

use super::{
    Crowd,
    member::{Member, Newcomer},
};
use crate::{BenchError, Outcome};

/// How many players of one process join at once.
const AT_THE_DOOR_MAX: usize = 4;
/// How often one tries: whoever comes while servers elect a leader may find none.
const TRIES_MAX: u32 = 3;

pub(super) struct Door<'a> {
    crowd: &'a Crowd,
    network: ClientThread,
    begun: usize,
    waiting: Vec<Waiting>,
    /// How often a player tried again.
    pub(super) tried_again: u64,
}

struct Waiting {
    newcomer: Newcomer,
    number: usize,
    tries: u32,
}

impl<'a> Door<'a> {
    pub(super) fn new(crowd: &'a Crowd) -> Outcome<Self> {
        Ok(Self {
            crowd,
            network: ClientThread::start().map_err(BenchError::new)?,
            begun: 0,
            waiting: Vec::new(),
            tried_again: 0,
        })
    }

    /// Lets the next ones begin, and those in who are there.
    pub(super) fn look(&mut self, members: &mut Vec<Member>) -> Outcome {
        while self.begun < self.crowd.players && self.waiting.len() < AT_THE_DOOR_MAX {
            self.waiting.push(Waiting {
                newcomer: self.newcomer(self.begun)?,
                number: self.begun,
                tries: 1,
            });
            self.begun += 1;
        }
        let mut place = 0;
        while let Some(waiting) = self.waiting.get_mut(place) {
            match waiting.newcomer.is_in() {
                Ok(Some(id)) => members.push(self.waiting.swap_remove(place).newcomer.come_in(id)),
                Ok(None) => place += 1,
                Err(_) if waiting.tries < TRIES_MAX => self.try_again(place)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn try_again(&mut self, place: usize) -> Outcome {
        let newcomer = self.newcomer(self.waiting[place].number)?;
        let waiting = &mut self.waiting[place];
        waiting.newcomer = newcomer;
        waiting.tries += 1;
        self.tried_again += 1;
        Ok(())
    }

    fn newcomer(&self, number: usize) -> Outcome<Newcomer> {
        let crowd = self.crowd;
        // They do not all write in one frame.
        let share = number as f64 / crowd.players as f64;
        let session = crowd.session(number);
        Newcomer::begin(&self.network, &crowd.server, session, crowd.pace, share)
    }
}
