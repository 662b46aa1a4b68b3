//! The feeder itself, against the real driver: what the other tests take for the truth.

use std::{thread, time::Duration};

use synced_tests::{
    Failure, Outcome,
    clock::{self, Nanos},
    feeder::{Feeder, Motions},
};

use crate::stage::Stage;

/// Poses that are waited for.
const SOME: usize = 50;
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(5);

#[test]
fn what_is_fed_pauses_breaks_off_and_goes_on_as_it_is_told() -> Outcome {
    let Some(stage) = Stage::begin("xr-feeding", Motions::circles(600.0))? else {
        return Ok(());
    };
    let feeder = &stage.feeder;
    until_more(feeder)?;
    feeder.pause();
    until(|| is_still(feeder))?;
    assert!(feeder.is_connected());
    let told = feeder.fed().last().map(|fed| fed.seconds);
    feeder.resume();
    until_more(feeder)?;
    assert!(
        feeder.fed().last().map(|fed| fed.seconds) > told,
        "the motions went on meanwhile"
    );
    feeder.disconnect();
    until(|| !feeder.is_connected())?;
    feeder.resume();
    until_more(feeder)
}

#[test]
fn a_runtime_that_was_restarted_is_fed_again() -> Outcome {
    let Some(mut stage) = Stage::begin("xr-feeding-again", Motions::circles(600.0))? else {
        return Ok(());
    };
    until_more(&stage.feeder)?;
    stage.monado.kill()?;
    until(|| !stage.feeder.is_connected())?;
    stage.monado.restart()?;
    until_more(&stage.feeder)
}

#[test]
fn the_truth_of_a_moment_is_what_was_fed_last_before_it() -> Outcome {
    let Some(stage) = Stage::begin("xr-feeding-truth", Motions::circles(600.0))? else {
        return Ok(());
    };
    until_more(&stage.feeder)?;
    let fed = stage.feeder.fed();
    for pair in fed.windows(2) {
        let between = Nanos(pair[0].sent_at.0.midpoint(pair[1].sent_at.0));
        assert_eq!(stage.feeder.fed_before(between), Some(pair[0]));
        assert!(pair[0].sent_at < pair[1].sent_at && pair[0].seconds < pair[1].seconds);
    }
    assert_eq!(stage.feeder.fed_before(Nanos(fed[0].sent_at.0 - 1)), None);
    Ok(())
}

fn until_more(feeder: &Feeder) -> Outcome {
    let before = feeder.fed().len();
    until(|| feeder.fed().len() >= before + SOME)
}

/// Whether nothing is sent for several intervals.
fn is_still(feeder: &Feeder) -> bool {
    let before = feeder.fed().len();
    thread::sleep(10 * LOOK);
    feeder.fed().len() == before
}

fn until(condition: impl Fn() -> bool) -> Outcome {
    let deadline = clock::now() + PATIENCE;
    while !condition() {
        if clock::now() > deadline {
            return Err(Failure::new("the feeder does not do as it is told"));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
