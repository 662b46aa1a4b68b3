//! Measurements as tables for people and for programs.

use std::fmt::Write as _;

use crate::relay::Loss;

use super::{Errors, Measurement, Tuning};

/// A table in Markdown: a row for each network.
#[must_use]
pub fn markdown(tuning: &Tuning, measurements: &[Measurement]) -> String {
    let mut text = format!(
        "SyncedNode with its {}: batch_interval_msec {}, tracker_redundancy {}, tracker_precision {}, playout_delay_min_msec {}.\n\n\
         | loss % | jitter ms | SyncedNode: mean, p99 mm | mean, p99 deg | shown ms ago | kB/s, packets/s | MultiplayerSynchronizer: mean, p99 mm | mean, p99 deg | best lag ms | kB/s, packets/s | p99 of p99 | longest pause ms | load |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        tuning.name,
        tuning.batch_interval_msec,
        tuning.redundancy,
        tuning.precision,
        tuning.playout_delay_min_msec
    );
    for measurement in measurements {
        let _ = writeln!(text, "{}", row(measurement));
    }
    text
}

/// The heading of [`csv`].
pub const CSV_HEADING: &str = "tuning,loss_permille,jitter_msec,seconds,\
    synced_mean_mm,synced_p99_mm,synced_mean_deg,synced_p99_deg,synced_delay_msec,synced_clock_off_msec,synced_frames,\
    sender_up_bytes,sender_down_bytes,receiver_up_bytes,receiver_down_bytes,\
    built_in_mean_mm,built_in_p99_mm,built_in_mean_deg,built_in_p99_deg,built_in_lag_msec,built_in_frames,\
    built_in_up_bytes,built_in_down_bytes,pause_msec,load_minute,cores";

/// A line of comma-separated values.
#[must_use]
pub fn csv(tuning: &Tuning, measurement: &Measurement) -> String {
    let Measurement {
        network,
        seconds,
        synced,
        built_in,
        pause_msec,
        load,
    } = measurement;
    let errors = |errors: &Errors| {
        let Errors {
            mean_mm,
            p99_mm,
            mean_deg,
            p99_deg,
        } = errors;
        format!("{mean_mm:.4},{p99_mm:.4},{mean_deg:.4},{p99_deg:.4}")
    };
    format!(
        "{},{},{},{seconds:.3},{},{:.3},{:.3},{},{},{},{},{},{},{:.3},{},{},{},{pause_msec:.1},{},{}",
        tuning.name,
        permille(network.loss),
        network.jitter.as_millis(),
        errors(&synced.errors),
        synced.delay_msec,
        synced.clock_off_msec,
        synced.frames,
        synced.sender.up.bytes,
        synced.sender.down.bytes,
        synced.receiver.up.bytes,
        synced.receiver.down.bytes,
        errors(&built_in.errors),
        built_in.lag_msec,
        built_in.frames,
        built_in.traffic.up.bytes,
        built_in.traffic.down.bytes,
        load.minute.unwrap_or_default(),
        load.cores,
    )
}

fn row(measurement: &Measurement) -> String {
    let Measurement {
        network,
        synced,
        built_in,
        pause_msec,
        load,
        ..
    } = measurement;
    let (ours, theirs) = (&synced.errors, &built_in.errors);
    let [wire, their_wire] = [measurement.synced_wire(), measurement.built_in_wire()];
    format!(
        "| {} | {} | {:.2}, {:.2} | {:.2}, {:.2} | {:.0} | {:.1}, {:.0} | {:.2}, {:.2} | {:.2}, {:.2} | {:.0} | {:.1}, {:.0} | {:.3} | {pause_msec:.0} | {:.1} on {} |",
        f64::from(permille(network.loss)) / 10.0,
        network.jitter.as_millis(),
        ours.mean_mm,
        ours.p99_mm,
        ours.mean_deg,
        ours.p99_deg,
        synced.delay_msec,
        wire.bytes_per_second / 1e3,
        wire.packets_per_second,
        theirs.mean_mm,
        theirs.p99_mm,
        theirs.mean_deg,
        theirs.p99_deg,
        built_in.lag_msec,
        their_wire.bytes_per_second / 1e3,
        their_wire.packets_per_second,
        ours.p99_mm / theirs.p99_mm,
        load.minute.unwrap_or_default(),
        load.cores,
    )
}

const fn permille(loss: Loss) -> u16 {
    match loss {
        Loss::None => 0,
        Loss::Random { permille } | Loss::Bursts { permille, .. } => permille,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        hands::{BuiltIn, Load, Synced},
        relay::{Network, Traffic},
    };

    fn measurement() -> Measurement {
        let errors = |p99_mm| Errors {
            p99_mm,
            ..Errors::default()
        };
        Measurement {
            network: Network::losing(50).with_jitter(Duration::from_millis(20)),
            seconds: 10.0,
            synced: Synced {
                errors: errors(2.0),
                delay_msec: 30.0,
                clock_off_msec: 0.1,
                frames: 600,
                sender: Traffic::default(),
                receiver: Traffic::default(),
            },
            built_in: BuiltIn {
                errors: errors(40.0),
                lag_msec: 25.0,
                frames: 600,
                traffic: Traffic::default(),
            },
            pause_msec: 20.0,
            load: Load {
                minute: Some(1.5),
                cores: 2,
            },
        }
    }

    #[test]
    fn a_row_of_a_table_has_as_many_cells_as_its_heading() {
        let text = markdown(&Tuning::DEFAULT, &[measurement()]);
        let cells: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(cells, [14; 3]);
        assert!(
            text.contains("| 5 | 20 |") && text.contains("| 0.050 | 20 | 1.5 on 2 |"),
            "{text}"
        );
    }

    #[test]
    fn a_line_has_as_many_values_as_the_heading_has_names() {
        let line = csv(&Tuning::DEFAULT, &measurement());
        assert_eq!(line.split(',').count(), CSV_HEADING.split(',').count());
        assert!(line.starts_with("defaults,50,20,10.000,"), "{line}");
    }
}
