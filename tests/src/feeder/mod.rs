//! Moves the head and the hands of a Monado whose remote driver listens, along motions whose truth is known.

mod wire;

use std::{
    io::{self, Write},
    net::{Ipv4Addr, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use glam::DVec3;

use crate::{
    Failure, Outcome,
    clock::{self, Nanos},
    motion::{HEAD_HOME, LEFT_HOME, Moment, Motion, RIGHT_HOME},
};

use wire::Frame;

pub use wire::HandControls;

/// Frames a second, unless told otherwise.
pub const RATE_HZ: u32 = 1_000;
/// How often a connection that failed is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// How long the first connection may take, and each read and write.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// How head and hands move.
#[derive(Debug, Clone)]
pub struct Motions {
    /// The head.
    pub head: Motion,
    /// The left hand.
    pub left: Motion,
    /// The right hand.
    pub right: Motion,
}

impl Motions {
    /// A bit of everything with both hands, for at least so many seconds.
    #[must_use]
    pub fn programme(seconds: f64) -> Self {
        Self {
            head: Motion::sway(HEAD_HOME, seconds),
            left: Motion::programme(LEFT_HOME, seconds, 1),
            right: Motion::rest(RIGHT_HOME, 0.73, 2)
                .then(Motion::programme(RIGHT_HOME, seconds, 3)),
        }
    }

    /// Both hands at rest, seen by a head that is not where the space begins.
    #[must_use]
    pub fn at_rest(seconds: f64) -> Self {
        let aside = DVec3::new(0.5, 0.0, 0.3);
        Self {
            head: Motion::rest(HEAD_HOME + aside, seconds, 1),
            left: Motion::rest(LEFT_HOME, seconds, 2),
            right: Motion::rest(RIGHT_HOME, seconds, 3),
        }
    }

    /// Both hands round and round, for so many seconds.
    #[must_use]
    pub fn circles(seconds: f64) -> Self {
        Self {
            head: Motion::sway(HEAD_HOME, seconds),
            left: Motion::circles(LEFT_HOME, seconds),
            right: Motion::circles(RIGHT_HOME, seconds),
        }
    }
}

/// One of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// A frame that was sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fed {
    /// When, on the machine's monotonic clock.
    pub sent_at: Nanos,
    /// Which time of the motions it told of, in seconds.
    pub seconds: f64,
}

/// A thread that feeds a Monado. It ends when dropped.
#[derive(Debug)]
pub struct Feeder {
    motions: Arc<Motions>,
    begun_at: Nanos,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner both see.
#[derive(Debug)]
struct Shared {
    order: Order,
    is_connected: bool,
    controls: [HandControls; 2],
    fed: Vec<Fed>,
}

/// What the thread is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Feed,
    Pause,
    Disconnect,
    End,
}

/// The thread's own.
struct Worker {
    port: u16,
    interval: Nanos,
    motions: Arc<Motions>,
    begun_at: Nanos,
    shared: Arc<Mutex<Shared>>,
    connection: Option<(TcpStream, Frame)>,
}

impl Feeder {
    /// Connects to a remote driver and feeds it so many frames a second. The motions begin now.
    ///
    /// # Errors
    /// When nobody listens at the port, or not this driver.
    pub fn start(port: u16, motions: Motions, rate_hz: u32) -> Outcome<Self> {
        let motions = Arc::new(motions);
        let connection = first_connection(port)
            .map_err(Failure::of(format!("feeding Monado at port {port}")))?;
        let begun_at = clock::now();
        let shared = Arc::new(Mutex::new(Shared {
            order: Order::Feed,
            is_connected: true,
            controls: [HandControls::default(); 2],
            fed: Vec::new(),
        }));
        let worker = Worker {
            port,
            interval: Nanos(1_000_000_000 / u64::from(rate_hz)),
            motions: motions.clone(),
            begun_at,
            shared: shared.clone(),
            connection: Some(connection),
        };
        let thread = thread::Builder::new()
            .name("feeder".to_owned())
            .spawn(move || worker.run());
        Ok(Self {
            motions,
            begun_at,
            shared,
            thread: Some(thread.map_err(Failure::of("the feeder's thread"))?),
        })
    }

    /// How head and hands move.
    #[must_use]
    pub fn motions(&self) -> &Motions {
        &self.motions
    }

    /// When the motions began.
    #[must_use]
    pub const fn begun_at(&self) -> Nanos {
        self.begun_at
    }

    /// Which time of the motions it is, in seconds, at a time of the machine's monotonic clock.
    #[must_use]
    pub fn seconds_at(&self, at: Nanos) -> f64 {
        at.seconds_since(self.begun_at)
    }

    /// The true pose of a hand at a time: what the frame that was sent last before told, which is what Monado then has.
    /// `None` before the first.
    #[must_use]
    pub fn hand_at(&self, hand: Hand, at: Nanos) -> Option<Moment> {
        let motion = match hand {
            Hand::Left => &self.motions.left,
            Hand::Right => &self.motions.right,
        };
        self.fed_before(at).map(|fed| motion.sensed_at(fed.seconds))
    }

    /// The last frame that was sent before a time.
    #[must_use]
    pub fn fed_before(&self, at: Nanos) -> Option<Fed> {
        let shared = self.shared();
        let after = shared.fed.partition_point(|fed| fed.sent_at <= at);
        Some(shared.fed[after.checked_sub(1)?])
    }

    /// The frames that told of times of the motions from one to another, in seconds.
    #[must_use]
    pub fn fed_between(&self, from: f64, to: f64) -> Vec<Fed> {
        let fed = &self.shared().fed;
        let [first, end] = [from, to].map(|at| fed.partition_point(|fed| fed.seconds < at));
        fed[first..end].to_vec()
    }

    /// All frames that were sent, in order.
    #[must_use]
    pub fn fed(&self) -> Vec<Fed> {
        self.shared().fed.clone()
    }

    /// What a hand does from the next frame on.
    pub fn set_controls(&self, hand: Hand, controls: HandControls) {
        self.shared().controls[hand as usize] = controls;
    }

    /// Sends nothing more: head and hands stay where they are, while the time of the motions goes on.
    pub fn pause(&self) {
        self.shared().order = Order::Pause;
    }

    /// Drops the connection.
    pub fn disconnect(&self) {
        self.shared().order = Order::Disconnect;
    }

    /// Sends again what the motions are by now, after connecting again if need be; until there is somebody to connect to.
    pub fn resume(&self) {
        self.shared().order = Order::Feed;
    }

    /// Whether there is a connection, as far as the last frame told.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.shared().is_connected
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.shared().order = Order::End;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Worker {
    fn run(mut self) {
        let mut deadline = self.begun_at;
        loop {
            let (order, controls) = self.orders();
            match order {
                Order::End => return,
                Order::Pause => {}
                Order::Disconnect => self.connection = None,
                Order::Feed => self.feed(controls),
            }
            lock(&self.shared).is_connected = self.connection.is_some();
            deadline = clock::next_deadline(deadline, self.interval);
            clock::sleep_until(deadline);
        }
    }

    fn orders(&self) -> (Order, [HandControls; 2]) {
        let shared = lock(&self.shared);
        (shared.order, shared.controls)
    }

    fn feed(&mut self, [left, right]: [HandControls; 2]) {
        if self.connection.is_none() {
            self.connection = connect(self.port).ok();
        }
        let Some((stream, frame)) = &mut self.connection else {
            return thread::sleep(RETRY);
        };
        let sent_at = clock::now();
        let seconds = sent_at.seconds_since(self.begun_at);
        frame.set_head(&self.motions.head.sensed_at(seconds));
        frame.set_left(&self.motions.left.sensed_at(seconds), &left);
        frame.set_right(&self.motions.right.sensed_at(seconds), &right);
        if stream.write_all(frame.bytes()).is_err() {
            self.connection = None;
            return;
        }
        lock(&self.shared).fed.push(Fed { sent_at, seconds });
    }
}

fn first_connection(port: u16) -> io::Result<(TcpStream, Frame)> {
    let deadline = clock::now() + CONNECT_TIME_MAX;
    loop {
        match connect(port) {
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused && clock::now() < deadline =>
            {
                thread::sleep(RETRY);
            }
            result => return result,
        }
    }
}

fn connect(port: u16) -> io::Result<(TcpStream, Frame)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(CONNECT_TIME_MAX))?;
    stream.set_write_timeout(Some(CONNECT_TIME_MAX))?;
    let frame = Frame::greeting(&mut stream)?;
    Ok((stream, frame))
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
