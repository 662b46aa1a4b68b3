//! When a line was logged.

use synced_protocol::time::Micros;

const DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// How long after `since`, a Unix time, the last line with this text was logged, if it was within the day that follows.
pub(crate) fn since(log: &str, text: &str, since: Micros) -> Option<Micros> {
    let line = log.lines().rfind(|line| line.contains(text))?;
    let at = time_of_day(line.split_whitespace().next()?)?;
    Some(Micros((at.0 + DAY - since.0 % DAY) % DAY))
}

/// Of a time as RFC 3339 writes it, in UTC and with fractions of a second, what follows the date.
fn time_of_day(stamp: &str) -> Option<Micros> {
    let (_, time) = stamp.split_once('T')?;
    let (whole, fraction) = time.strip_suffix('Z')?.split_once('.')?;
    let mut seconds = 0;
    for part in whole.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    let micros: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(Micros(seconds * 1_000_000 + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-11-20T23:59:59.999000Z  INFO a: this server leads term=1\n\
        2026-11-21T00:00:00.25Z  INFO a: this server leads term=2\n\
        2026-11-21T00:00:07.0Z  INFO a: something else\n";

    #[test]
    fn the_last_line_with_the_text_counts_over_midnight_too() {
        let midnight = Micros(20_000 * DAY);
        assert_eq!(
            since(LOG, "this server leads", midnight),
            Some(Micros(250_000))
        );
        let before = Micros(midnight.0 - 1_000_000);
        assert_eq!(
            since(LOG, "this server leads", before),
            Some(Micros(1_250_000))
        );
        assert_eq!(since(LOG, "another", midnight), None);
    }
}
