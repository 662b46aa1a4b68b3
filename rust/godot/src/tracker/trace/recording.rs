//! A recording under way, as the main thread sees it.

use std::{
    io::{self, Write},
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
};

use rtrb::{Producer, RingBuffer};
use synced_protocol::input::InputFrame;

use super::{SAMPLES_MAX, writer};
use crate::tracker::capture;

/// Samples that wait for the disk at most: eight seconds at 1 kHz.
const RING_SAMPLES: usize = 8_192;

/// Samples on their way to a file. Whoever holds it never waits for the disk.
#[derive(Debug)]
pub(crate) struct Recording {
    path: String,
    ring: Option<Producer<InputFrame>>,
    writer: Option<JoinHandle<()>>,
    written: Arc<OnceLock<io::Result<()>>>,
    samples: usize,
    samples_max: usize,
    /// What ended it, if nobody asked it to end.
    fault: Option<&'static str>,
}

/// A recording that is over, its file closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub path: String,
    /// Why it is not all that was to be recorded; empty if it is.
    pub fault: String,
}

impl Recording {
    /// Begins to record into an open file; `path` is what the game calls it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(path: String, file: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_limit(path, file, SAMPLES_MAX)
    }

    fn with_limit(
        path: String,
        file: impl Write + Send + 'static,
        samples_max: usize,
    ) -> io::Result<Self> {
        let (ring, samples) = RingBuffer::new(RING_SAMPLES);
        let written = Arc::new(OnceLock::new());
        let body = {
            let written = written.clone();
            move || _ = written.set(writer::write(samples, file))
        };
        let writer = thread::Builder::new()
            .name("synced-recording".to_owned())
            .spawn(body)?;
        Ok(Self {
            path,
            ring: Some(ring),
            writer: Some(writer),
            written,
            samples: 0,
            samples_max,
            fault: None,
        })
    }

    /// Whether samples still go into it.
    pub(crate) const fn is_open(&self) -> bool {
        self.ring.is_some()
    }

    /// Takes in a sample.
    pub(crate) fn push(&mut self, sample: InputFrame) {
        let Some(ring) = &mut self.ring else { return };
        if self.samples == self.samples_max {
            self.end_with("it is as long as a trace may be");
        } else if ring.push(sample).is_err() {
            // The writer ends by itself when the disk is full, and says so.
            let is_writing = !ring.is_abandoned();
            self.end();
            self.fault = is_writing.then_some("the disk is too slow: samples would be lost");
        } else {
            self.samples += 1;
        }
    }

    /// Some samples never came here.
    pub(crate) fn lost_samples(&mut self) {
        if self.is_open() {
            self.end_with("a frame took so long that samples were lost");
        }
    }

    /// No more samples. What was taken in is still written.
    pub(crate) fn end(&mut self) {
        self.ring = None;
        if let Some(writer) = &self.writer {
            writer.thread().unpark();
        }
    }

    /// What became of it, once the file is closed.
    pub(crate) fn poll(&mut self) -> Option<Recorded> {
        if !self.writer.as_ref()?.is_finished() {
            return None;
        }
        self.writer = None;
        self.ring = None;
        let fault = match self.written.get() {
            Some(Ok(())) => self.fault.unwrap_or_default().to_owned(),
            Some(Err(error)) => error.to_string(),
            None => "its writer has crashed".to_owned(),
        };
        Some(Recorded {
            path: std::mem::take(&mut self.path),
            fault,
        })
    }

    fn end_with(&mut self, fault: &'static str) {
        self.end();
        self.fault = Some(fault);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.end();
        if let Some(writer) = self.writer.take() {
            capture::join_later(writer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use synced_protocol::time::Micros;

    use super::{super::line, *};

    #[derive(Clone, Default)]
    struct Disk {
        bytes: Arc<Mutex<Vec<u8>>>,
        bytes_max: Option<usize>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.bytes.lock().unwrap();
            if self
                .bytes_max
                .is_some_and(|max| written.len() + bytes.len() > max)
            {
                return Err(io::ErrorKind::StorageFull.into());
            }
            written.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk {
        fn times(&self) -> Vec<u64> {
            let text = String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines
                .map(|text| line::parse(text).unwrap().sampled_at.0)
                .collect()
        }
    }

    fn sample(number: u64) -> InputFrame {
        InputFrame {
            sampled_at: Micros(number),
            ..InputFrame::default()
        }
    }

    fn end(recording: &mut Recording) -> Recorded {
        recording.end();
        loop {
            if let Some(recorded) = recording.poll() {
                return recorded;
            }
            thread::yield_now();
        }
    }

    fn recorded(fault: &str) -> Recorded {
        Recorded {
            path: "user://hand.trace".to_owned(),
            fault: fault.to_owned(),
        }
    }

    #[test]
    fn every_sample_is_in_the_file_in_order_once_it_is_over() {
        let disk = Disk::default();
        let mut recording = Recording::start("user://hand.trace".to_owned(), disk.clone()).unwrap();
        (0..5_000).for_each(|number| recording.push(sample(number)));
        assert!(recording.is_open());
        assert_eq!(end(&mut recording), recorded(""));
        assert_eq!(disk.times(), (0..5_000).collect::<Vec<_>>());
        assert!(!recording.is_open() && recording.poll().is_none());
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_is_told() {
        let disk = Disk {
            bytes_max: Some(30_000),
            ..Disk::default()
        };
        let mut recording = Recording::start("user://hand.trace".to_owned(), disk.clone()).unwrap();
        (0..5_000).for_each(|number| recording.push(sample(number)));
        let fault = end(&mut recording).fault;
        assert_eq!(
            fault,
            io::Error::from(io::ErrorKind::StorageFull).to_string()
        );
    }

    #[test]
    fn a_disk_that_stands_still_ends_the_recording_and_makes_nobody_wait() {
        let disk = Disk::default();
        let mut recording = Recording::start("user://hand.trace".to_owned(), disk.clone()).unwrap();
        let standing = disk.bytes.lock().unwrap();
        (0..2 * RING_SAMPLES as u64).for_each(|number| recording.push(sample(number)));
        assert!(!recording.is_open() && recording.poll().is_none());
        drop(standing);
        let fault = "the disk is too slow: samples would be lost";
        assert_eq!(end(&mut recording), recorded(fault));
        let written = disk.times();
        assert!(written.len() >= RING_SAMPLES);
        assert!(
            written.iter().copied().eq(0..written.len() as u64),
            "one is missing"
        );
    }

    #[test]
    fn a_recording_ends_by_itself_at_its_limit() {
        let disk = Disk::default();
        let path = "user://hand.trace".to_owned();
        let mut recording = Recording::with_limit(path, disk.clone(), 3).unwrap();
        (0..5).for_each(|number| recording.push(sample(number)));
        assert!(!recording.is_open());
        assert_eq!(
            end(&mut recording),
            recorded("it is as long as a trace may be")
        );
        assert_eq!(disk.times(), [0, 1, 2]);
    }

    #[test]
    fn samples_that_were_lost_before_end_it() {
        let mut recording =
            Recording::start("user://hand.trace".to_owned(), Disk::default()).unwrap();
        recording.push(sample(1));
        recording.lost_samples();
        recording.push(sample(2));
        let fault = "a frame took so long that samples were lost";
        assert_eq!(end(&mut recording), recorded(fault));
    }
}
