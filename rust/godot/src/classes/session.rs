//! `SyncedSession`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use godot::{
    classes::{Engine, Node, ProjectSettings, SceneTree, node::InternalMode},
    global::Error,
    prelude::*,
};
use synced_client::config::SessionConfig;
use synced_protocol::{id::NodeId, message::Game, time::Micros};
use synced_transport::{Fingerprint, ServerAddress, Trust, clock};

use super::SyncedDriver;
use crate::{
    core::{Core, State},
    digest,
    frame::Frame,
    monitors,
    network::{Fault, HostOptions, Link},
    optional::Named,
    options::Options,
    settings::{Given, Streams, standby_connections},
    statistics, tracker,
};

/// Runs `f` on the session's state. Nothing in `f` may run a script.
pub(crate) fn with_core<R>(f: impl FnOnce(&mut Core) -> R) -> R {
    f(&mut SyncedSession::singleton().bind_mut().core)
}

/// The session that this game is in: one singleton, reachable from every script.
///
/// Call [method connect_to_server] to join a server, or [method host] to run one inside this game. Once
/// [signal session_joined] is emitted, every [SyncedNode] in the scene is shared, and so are those of scenes that a
/// [SyncedSpawner] spawns. A lost connection is resumed by itself: nothing confirmed is lost, and what was under way goes on.
#[derive(GodotClass)]
#[class(init, singleton, base = Object)]
pub(crate) struct SyncedSession {
    /// How this player is called; need not be unique. [method connect_to_server] and [method host] can be given another.
    #[var]
    #[init(val = GString::from("Player"))]
    player_name: GString,

    /// The game's name. All players of a session have the same. The project's name if empty.
    #[var]
    game_name: GString,

    /// The game's version. All players of a session have the same. The project's version if empty.
    #[var]
    game_version: GString,

    /// What another player streams is shown a little in the past, so that late datagrams still count: as little as the way
    /// from that player allows, measured all the time and followed slowly. This is the least, in milliseconds, from 0 to
    /// 500. Counts from the next [method connect_to_server] or [method host] on.
    #[var]
    #[init(val = 10.0)]
    playout_delay_min_msec: f64,

    /// The most that another player's streams are shown in the past, in milliseconds, from 0 to 500. What is later than that
    /// is not waited for. Counts from the next [method connect_to_server] or [method host] on.
    #[var]
    #[init(val = 200.0)]
    playout_delay_max_msec: f64,

    /// How long a controller's samples, and live values beside them, wait for company in their datagram, in milliseconds, from
    /// 1 to 50: 4 are 250 datagrams a second at most. Longer saves bytes, and comes that much later. Live values of a player
    /// without a controller leave at the end of the frame that changed them, but no more often than that. Counts from the next
    /// [method connect_to_server] or [method host] on.
    #[var]
    #[init(val = 4.0)]
    batch_interval_msec: f64,

    /// How many datagrams a controller's sample is repeated in at least, from 0 to 8, so that it arrives though some are
    /// lost: with 2, any two in a row cost nothing. Where more are lost, more are repeated by themselves. Counts from the next
    /// [method connect_to_server] or [method host] on.
    #[var]
    #[init(val = 2)]
    tracker_redundancy: i64,

    /// How exactly the places and turns of live properties are sent while they change ([Vector3], [Quaternion], [Basis] and
    /// [Transform3D]): [constant SyncedNode.PRECISION_EXACT], [constant SyncedNode.PRECISION_FINE] or
    /// [constant SyncedNode.PRECISION_COARSE]; each coordinate is that close. A pose takes 12 bytes when fine, 48 with
    /// [constant PRECISION_UNROUNDED]. What does not fit is sent as it is: places further out than 1 km when exact and 2 km when
    /// fine, skewed or mirrored axes, short vectors. Where a property comes to rest it is confirmed as it is. All other kinds
    /// are always sent as they are. Counts from the next [method connect_to_server] or [method host] on.
    #[var]
    #[init(val = 1)]
    live_precision: i64,

    /// To how many other servers than the leader an idle connection is kept up, from 0 to 4, where the session has several servers:
    /// by them this player hears at once who leads next, and is there already. Counts from the next
    /// [method connect_to_server] on.
    #[var]
    #[init(val = 2)]
    standby_connections: i64,

    /// How long a frame may apply the session's news, in microseconds. What is left waits for the next frame; a commit is
    /// never torn apart.
    #[var]
    #[init(val = 2000)]
    apply_budget_usec: i64,

    pub(crate) core: Core,
    frame: Option<Box<Frame>>,
    drivers: Vec<Gd<SyncedDriver>>,
    base: Base<Object>,
}

#[godot_api]
impl SyncedSession {
    /// Live properties are sent just as they are.
    #[constant]
    pub const PRECISION_UNROUNDED: i64 = -1;

    /// This player is in the session and sees its world.
    #[signal]
    pub(crate) fn session_joined(player_id: i64);

    /// The session could not be joined, or is over for good.
    #[signal]
    pub(crate) fn session_failed(reason: GString);

    /// The connection is lost. The session tries to come back.
    #[signal]
    pub(crate) fn session_lost(reason: GString);

    /// The session came back after [signal session_lost].
    #[signal]
    pub(crate) fn session_resumed();

    /// Another of the session's servers leads, or the same one anew, and this player goes on with it: nothing confirmed is lost, what
    /// was under way is decided once, and nothing shown leaps. `server_id` counts from 1; `term` is greater than all before. Where
    /// that took longer than a quarter of a second, [signal session_lost] came before and [signal session_resumed] follows.
    #[signal]
    pub(crate) fn leader_changed(server_id: i64, term: i64);

    /// This player has left.
    #[signal]
    pub(crate) fn session_left();

    /// A player is in the session, this one included.
    #[signal]
    pub(crate) fn player_joined(player_id: i64, player_name: GString);

    /// A player has left for good.
    #[signal]
    pub(crate) fn player_left(player_id: i64);

    /// A proposal of this player is confirmed: everybody sees it, and nobody will see it taken back.
    #[signal]
    pub(crate) fn mutation_confirmed(sequence: i64);

    /// A proposal of this player changed nothing. `code` is for comparing, `message` for reading. With the code `unknown` it was
    /// decided while the connection was lost, with `session_ended` it never was.
    #[signal]
    pub(crate) fn mutation_rejected(sequence: i64, code: GString, message: GString);

    /// This player's controllers are sampled at 1 kHz from now on. `source` is "openxr".
    #[signal]
    pub(crate) fn capture_started(source: GString);

    /// The controllers are not sampled at 1 kHz any more: the XR session is over or lost. Until there is another one, nodes
    /// with a [member SyncedNode.tracker] follow what is left, once a frame.
    #[signal]
    pub(crate) fn capture_lost(reason: GString);

    /// No session.
    #[constant]
    pub const STATE_OFFLINE: i64 = 0;
    /// On the way into a session.
    #[constant]
    pub const STATE_CONNECTING: i64 = 1;
    /// In a session.
    #[constant]
    pub const STATE_JOINED: i64 = 2;
    /// In a session whose connection is lost for now.
    #[constant]
    pub const STATE_RECONNECTING: i64 = 3;

    /// Joins the server at `url`: `synced://host:port`, with `#sha256=...` behind it to accept just that certificate.
    ///
    /// A session may have several servers: `synced://a.example:4870,b.example:4870#sha256=...` names some or all of them, and the
    /// fingerprint is that of the authority that signed their certificates. Any one that answers is enough: it tells of the others.
    ///
    /// Options: `player_name`; `fingerprint` or `ca_file` for the certificate (without either, a server on this machine is
    /// trusted and any other needs a certificate that the system trusts); `timeout_msec` (5000); `retry` (false): whether to
    /// try again, with growing pauses, while there is no server.
    ///
    /// Returns at once: [constant OK] when the attempt has begun. Then [signal session_joined] or [signal session_failed].
    #[func(gd_self)]
    fn connect_to_server(
        this: Gd<Self>,
        url: GString,
        #[opt(default = &Named::default())] options: Named,
    ) -> Error {
        let known = [
            "player_name",
            "fingerprint",
            "ca_file",
            "timeout_msec",
            "retry",
        ];
        Self::begin(this, "connect_to_server", |session, streams| {
            let options = Options::new(&options, &known)?;
            let address: ServerAddress = url
                .to_string()
                .parse()
                .map_err(|fault| format!("\"{url}\": {fault}"))?;
            let timeout =
                Duration::from_millis(options.integer("timeout_msec", 5_000, 1..=600_000)?);
            let mut config = session.config(&options, streams)?;
            config.retry.first_connect = options.boolean("retry", false)?;
            Link::connect(address, trust(&options)?, timeout, config)
        })
    }

    /// Runs a server inside this game and joins it; others may join over the network by [method get_invite_url].
    ///
    /// Options: `player_name`; `port` (4870, 0 for any); `address` ("127.0.0.1" for this machine only, "0.0.0.0" for everyone);
    /// `players_max` (64).
    ///
    /// Returns [constant ERR_ALREADY_IN_USE] when the port is taken, and then emits nothing.
    #[func(gd_self)]
    fn host(this: Gd<Self>, #[opt(default = &Named::default())] options: Named) -> Error {
        let known = ["player_name", "port", "address", "players_max"];
        Self::begin(this, "host", |session, streams| {
            let options = Options::new(&options, &known)?;
            let port = options.integer(
                "port",
                u64::from(synced_transport::DEFAULT_PORT),
                0..=65_535,
            )? as u16;
            let address = options.text("address", "127.0.0.1")?;
            let ip: IpAddr = address
                .parse()
                .map_err(|_| format!("address \"{address}\" is no IP address"))?;
            let players_max = options.integer("players_max", 64, 1..=1_024)? as u32;
            let host = HostOptions {
                listen: (ip, port).into(),
                players_max,
            };
            Link::host(&host, &identity_dir(), session.config(&options, streams)?)
        })
    }

    /// Leaves the session. What was spawned in it goes from the scene, what the scene itself holds stays.
    /// [signal session_left] follows.
    #[func]
    fn leave(&mut self) {
        if let Some(handle) = self.core.handle() {
            handle.leave();
            handle.flush();
        }
    }

    /// Where the session stands, as one of the `STATE_` constants.
    #[func]
    fn get_state(&self) -> i64 {
        match self.core.state {
            State::Offline => Self::STATE_OFFLINE,
            State::Connecting => Self::STATE_CONNECTING,
            State::Joined => Self::STATE_JOINED,
            State::Reconnecting => Self::STATE_RECONNECTING,
        }
    }

    /// Whether this player is in a session, its connection being up or on its way back.
    #[func]
    fn is_joined(&self) -> bool {
        self.core.is_joined()
    }

    /// Whether the session's server runs inside this game.
    #[func]
    fn is_hosting(&self) -> bool {
        self.core.is_hosting()
    }

    /// Who this player is in the session; 0 without one.
    #[func]
    fn get_player_id(&self) -> i64 {
        i64::from(self.core.me.0)
    }

    /// The players in the session: names by id.
    #[func]
    fn get_players(&self) -> VarDictionary {
        let players = self.core.players.iter();
        players
            .map(|(id, name)| {
                (
                    i64::from(id.0).to_variant(),
                    GString::from(name).to_variant(),
                )
            })
            .collect()
    }

    /// The server that this player is with, which leads the others; 0 without a session, and of a server that is alone.
    #[func]
    fn get_leader_id(&self) -> i64 {
        i64::from(self.core.servers.leader.0)
    }

    /// The period of the leader's lead: each is greater than those before. 0 without a session, and of a server that is alone.
    #[func]
    fn get_leader_term(&self) -> i64 {
        self.core.servers.term.0.cast_signed()
    }

    /// The session's servers, `host:port` by id, the likeliest next leader first and the leader last. Empty where one server is
    /// alone.
    #[func]
    fn get_servers(&self) -> VarDictionary {
        let servers = self.core.servers.all.iter();
        servers
            .map(|entry| {
                (
                    i64::from(entry.server.0).to_variant(),
                    GString::from(&entry.address).to_variant(),
                )
            })
            .collect()
    }

    /// How long a datagram takes to the leader and back, in milliseconds.
    #[func]
    fn get_round_trip_msec(&self) -> f64 {
        self.core.clock.round_trip.as_secs_f64() * 1e3
    }

    /// What the leader's clock is ahead of this process's, in microseconds.
    #[func]
    fn get_clock_offset_usec(&self) -> i64 {
        self.core.clock.offset_us
    }

    /// The leader's clock now, in microseconds since the Unix epoch.
    #[func]
    fn get_session_time_usec(&self) -> i64 {
        self.core.session_time(clock::now()).0.cast_signed()
    }

    /// What another game passes to [method connect_to_server] to join this session; empty without one.
    #[func]
    fn get_invite_url(&self) -> GString {
        self.core
            .link
            .as_ref()
            .map(|link| GString::from(&link.invite().to_string()))
            .unwrap_or_default()
    }

    /// The [SyncedNode] with this id, or null if it is not in the scene here.
    #[func]
    fn get_node_by_id(&self, id: i64) -> Option<Gd<Node>> {
        let local = self.core.locals.get(&NodeId(id.cast_unsigned()))?;
        local.is_alive().then(|| local.node.clone().upcast())
    }

    /// A number over the session's part of the scene tree as it really is here: which nodes there are, where they hang,
    /// whose they are, and their properties. Equal for all players once everything rests.
    #[func(gd_self)]
    fn get_digest(this: Gd<Self>) -> i64 {
        let _ = this;
        digest::of_scene().cast_signed()
    }

    /// What the session counts and measures: `client`, `frame`, `capture`, `transport`. Times in microseconds.
    ///
    /// `capture` tells of the thread that samples this player's controllers. Its `source` is "openxr" for the one thread on the
    /// OpenXR session, "thread" for that of a single controller, "frame" if there is none. `hz` and `interval` are over the last
    /// second; `ticks` and `skipped` count the deadlines that it kept and missed, `failures` the moments at which the runtime
    /// refused, `processor_usec` what the thread had of a processor. `trackers` has, for each controller by its name, `samples`,
    /// those among them that repeat the pose before (`repeats`), `losses` of tracking, and the level and overflows of its rings.
    #[func]
    fn get_stats(&self) -> VarDictionary {
        statistics::dictionary(&self.core)
    }

    /// How long a frame may apply.
    pub(crate) fn apply_budget(&self) -> Micros {
        Micros(self.apply_budget_usec.clamp(100, 1_000_000).cast_unsigned())
    }

    pub(crate) fn early(this: &Gd<Self>) {
        Self::with_frame(this, |frame| frame.early(this));
    }

    pub(crate) fn late(this: &Gd<Self>) {
        Self::with_frame(this, Frame::late);
    }

    /// The game ends: the session is left in order, and its threads are waited for.
    pub(crate) fn shut_down(mut this: Gd<Self>) {
        monitors::remove();
        disconnect_all(&mut this);
        let mut session = this.bind_mut();
        session.frame = None;
        let mut core = std::mem::take(&mut session.core);
        drop(session);
        core.locals.clear();
        core.device_events.attend(false, false);
        tracker::shut_down();
        for link in core.link.into_iter().chain(core.retired) {
            link.finish();
        }
    }

    /// Takes the frame's passes out for as long as they run, since scripts that they call may call the session. Should a
    /// pass panic, they are put back all the same, so that the next frame goes on.
    fn with_frame(this: &Gd<Self>, run: impl FnOnce(&mut Frame)) {
        struct PutBack(Gd<SyncedSession>, Option<Box<Frame>>);
        impl Drop for PutBack {
            fn drop(&mut self) {
                self.0.bind_mut().frame = self.1.take();
            }
        }
        let frame = this.clone().bind_mut().frame.take();
        let mut taken = PutBack(this.clone(), frame);
        if let Some(frame) = &mut taken.1 {
            run(frame);
        }
    }

    fn begin(
        mut this: Gd<Self>,
        what: &str,
        start: impl FnOnce(&Self, Streams) -> Result<Link, Fault>,
    ) -> Error {
        if this.bind().core.state != State::Offline {
            godot_error!(
                "SyncedSession.{what}: there is a session already. Call leave() and wait for session_left first."
            );
            return Error::ERR_ALREADY_EXISTS;
        }
        let started = this.bind().start(start);
        match started {
            Ok((link, streams)) => {
                Self::add_drivers(&mut this);
                let mut session = this.bind_mut();
                session.core.link = Some(link);
                session.core.state = State::Connecting;
                session.core.timelines.begin(streams.initial_delay());
                drop(session);
                monitors::add();
                Error::OK
            }
            Err(Fault::PortTaken(message)) => {
                godot_print!("SyncedSession.{what}: {message}");
                Error::ERR_ALREADY_IN_USE
            }
            Err(Fault::Other(message)) => {
                godot_error!("SyncedSession.{what}: {message}");
                Error::ERR_INVALID_PARAMETER
            }
        }
    }

    fn start(
        &self,
        start: impl FnOnce(&Self, Streams) -> Result<Link, Fault>,
    ) -> Result<(Link, Streams), Fault> {
        let streams = self.streams().check()?;
        Ok((start(self, streams)?, streams))
    }

    /// Makes the passes run from the next frame on.
    pub(crate) fn add_drivers(this: &mut Gd<Self>) {
        if this
            .bind()
            .drivers
            .iter()
            .any(|driver| driver.is_instance_valid())
        {
            return;
        }
        let tree = Engine::singleton()
            .get_main_loop()
            .and_then(|main_loop| main_loop.try_cast::<SceneTree>().ok());
        let Some(mut root) = tree.and_then(|tree| tree.get_root()) else {
            return;
        };
        let drivers = [false, true].map(SyncedDriver::new_gd);
        for driver in &drivers {
            // The tree is locked while a scene becomes ready, which is when most games call this.
            root.call_deferred(
                "add_child",
                vslice![driver.clone(), false, InternalMode::FRONT],
            );
        }
        let mut session = this.bind_mut();
        session.drivers = drivers.into();
        session.frame = Some(Box::default());
    }

    fn config(&self, options: &Options, streams: Streams) -> Result<SessionConfig, String> {
        let setting = |value: &GString, name: &str| {
            if value.is_empty() {
                ProjectSettings::singleton()
                    .get_setting(name)
                    .stringify()
                    .to_string()
            } else {
                value.to_string()
            }
        };
        let game = Game {
            name: setting(&self.game_name, "application/config/name"),
            version: setting(&self.game_version, "application/config/version"),
        };
        let name = options.text("player_name", &self.player_name.to_string())?;
        Ok(SessionConfig {
            live: streams.live,
            playout: streams.playout,
            standby_connections: standby_connections(self.standby_connections)?,
            ..SessionConfig::new(game, name)
        })
    }

    const fn streams(&self) -> Given {
        Given {
            playout_delay_min_msec: self.playout_delay_min_msec,
            playout_delay_max_msec: self.playout_delay_max_msec,
            batch_interval_msec: self.batch_interval_msec,
            tracker_redundancy: self.tracker_redundancy,
            live_precision: self.live_precision,
        }
    }
}

/// A script's lambdas must not outlive the script's language, as the session does.
fn disconnect_all(this: &mut Gd<SyncedSession>) {
    for signal in this.get_signal_list().iter_shared() {
        let Some(name) = signal.get("name") else {
            continue;
        };
        let name = StringName::from(&name.stringify());
        for connection in this.get_signal_connection_list(&name).iter_shared() {
            if let Some(callable) = connection.get("callable") {
                this.disconnect(&name, &callable.to::<Callable>());
            }
        }
    }
}

fn trust(options: &Options) -> Result<Trust, String> {
    let (pin, roots) = (
        options.text("fingerprint", "")?,
        options.text("ca_file", "")?,
    );
    match (pin.as_str(), roots.as_str()) {
        ("", "") => Ok(Trust::default()),
        (pin, "") => pin
            .parse::<Fingerprint>()
            .map(Trust::Fingerprint)
            .map_err(|fault| format!("fingerprint: {fault}")),
        ("", roots) => Ok(Trust::Roots(absolute(roots))),
        _ => Err("fingerprint and ca_file cannot be given both".to_owned()),
    }
}

/// Where a hosting game keeps its certificate.
fn identity_dir() -> PathBuf {
    absolute("user://synced_node")
}

fn absolute(path: &str) -> PathBuf {
    PathBuf::from(
        ProjectSettings::singleton()
            .globalize_path(path)
            .to_string(),
    )
}
