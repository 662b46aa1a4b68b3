//! One crowd, from its world to its figures.

use synced_bench::{BuiltWorld, World, crowd::Progress};
use synced_protocol::{message::Game, time::Micros};
use synced_transport::{ServerAddress, clock};

use super::{
    crowd::{self, Parts},
    figures::{BrokenOff, Figures, Held, TrafficFigures},
    scratch::Scratch,
    servers::Servers,
    soak::Soak,
};
use crate::{cli::Bench, exit::Failure, serve::unforeseen};

/// A crowd that is to be measured. Servers of its own for each: what one crowd leaves behind does not weigh on the next.
pub(super) struct Measurement<'a> {
    options: &'a Bench,
    players: usize,
    world: World,
    game: Game,
    url: String,
    server: ServerAddress,
    /// `None` where they are not ours.
    servers: Option<Servers>,
    scratch: Scratch,
    soak: Option<Soak>,
}

impl<'a> Measurement<'a> {
    /// Starts servers, unless others are named.
    ///
    /// # Errors
    /// When they do not come up, or the invitation is none.
    pub(super) fn prepare(options: &'a Bench, players: usize) -> Result<Self, Failure> {
        let scratch = Scratch::new()?;
        let (url, servers) = match &options.url {
            Some(url) => (url.clone(), None),
            None => {
                let servers = Servers::start(options, players, &scratch)?;
                (servers.url.clone(), Some(servers))
            }
        };
        Ok(Self {
            server: crowd::server(&url)?,
            game: crowd::game(options),
            world: World {
                nodes: options.world_nodes.0 as usize,
                properties: options.world_properties.0 as usize,
            },
            soak: options.soak.map(|span| Soak::new(span.0)),
            options,
            players,
            url,
            servers,
            scratch,
        })
    }

    /// Measures. What comes to nothing is a result too.
    pub(super) fn take(mut self) -> Figures {
        let mut figures = Figures::new(self.players, self.world);
        let mut reached = Progress::default();
        if let Err(failure) = self.play(&mut figures, &mut reached) {
            let reason = failure.to_string();
            figures.broken = Some(BrokenOff { reason, reached });
        }
        figures.soak = self.soak.take().map(Soak::end);
        self.end_servers(&mut figures);
        figures.judge(reached);
        figures
    }

    fn play(&mut self, figures: &mut Figures, reached: &mut Progress) -> Result<(), Failure> {
        let world = self.build()?;
        let servers = self.servers.as_ref();
        let before = servers.and_then(|servers| servers.memory(clock::unix_now()));
        figures.memory.before = Held::new(before, 0);
        let mut parts = Parts::start(self.options, &self.url, self.players, &self.scratch)?;
        parts.play(|parts| {
            *reached = parts.progress();
            self.look(parts)
        })?;
        let crowd = parts.into_result()?;
        figures.memory.before = Held::new(before, crowd.resident_before_bytes);
        figures.crowd = Some(crowd);
        world.map_or(Ok(()), |world| self.clear(world))
    }

    fn build(&mut self) -> Result<Option<BuiltWorld>, Failure> {
        if self.world.nodes == 0 {
            return Ok(None);
        }
        let world = self.world.build(&self.server, &self.game);
        if let Some(servers) = &mut self.servers {
            servers.settle();
        }
        world.map(Some).map_err(unforeseen)
    }

    /// Servers that are not ours get their world back as it was.
    fn clear(&self, world: BuiltWorld) -> Result<(), Failure> {
        if self.servers.is_some() {
            return Ok(());
        }
        world.clear(&self.server, &self.game).map_err(unforeseen)
    }

    fn look(&mut self, parts: &Parts) -> Result<(), Failure> {
        if let Some(servers) = &mut self.servers {
            servers.look()?;
        }
        if let Some(soak) = &mut self.soak {
            let servers = self.servers.as_ref().and_then(Servers::last);
            soak.look(clock::unix_now(), servers, parts);
        }
        Ok(())
    }

    /// What they tell of the time that counted; of all of it, where it did not come so far.
    fn end_servers(&mut self, figures: &mut Figures) {
        let now = clock::unix_now();
        let (from, until) = figures.crowd.as_ref().map_or((Micros::ZERO, now), |crowd| {
            let from = Micros(crowd.counted_from_us);
            (from, from + Micros((1e6 * crowd.span_s) as u64))
        });
        let servers = self.servers.as_ref();
        let rates = servers.and_then(|servers| servers.traffic(from, until));
        let held = servers.and_then(|servers| servers.memory(until));
        let of_players = figures.crowd.as_ref();
        let players_bytes = of_players.map_or(0, |crowd| crowd.resident_end_bytes);
        figures.memory.end = Held::new(held, players_bytes);
        figures.traffic = of_players.map(|crowd| TrafficFigures {
            join_s: crowd.join_s(),
            leader: rates.map(|rates| rates.players),
            leader_peers: rates.map(|rates| rates.peers),
            players: crowd.traffic.rates(crowd.span_s),
        });
        let servers = self.servers.take();
        figures.servers = servers.and_then(|servers| servers.end(from, until));
    }
}
