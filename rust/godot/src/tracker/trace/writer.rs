//! The thread that writes a recording.

use std::{
    io::{self, BufWriter, Write},
    thread,
    time::Duration,
};

use rtrb::Consumer;
use synced_protocol::input::InputFrame;

use super::{HEADER, LINE_BYTES_MAX, line};

/// Samples that came meanwhile are written together. Should the game crash, so much is missing.
const PAUSE: Duration = Duration::from_millis(50);

/// Writes samples until there are no more and nobody is there to bring any.
///
/// # Errors
/// What the disk says. Then samples are no longer taken.
pub(super) fn write(mut samples: Consumer<InputFrame>, file: impl Write) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    file.write_all(HEADER.as_bytes())?;
    let mut text = String::with_capacity(LINE_BYTES_MAX);
    loop {
        // Asked before the ring is emptied, so that what comes in between is not left there.
        let is_last = samples.is_abandoned();
        while let Ok(sample) = samples.pop() {
            text.clear();
            line::append(&sample, &mut text);
            file.write_all(text.as_bytes())?;
        }
        file.flush()?;
        if is_last {
            return Ok(());
        }
        thread::park_timeout(PAUSE);
    }
}
