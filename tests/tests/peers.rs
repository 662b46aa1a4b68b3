//! That what `scripts/measure-peers` measures really happens: every peer delivers, and every figure is a number.

use std::time::Duration;

use synced_tests::{
    Outcome,
    peers::{self, Cell, Figure, Plan, Row, Step, motion::RADIUS_M},
};

fn plan(cell: Cell) -> Plan {
    Plan {
        rounds: vec![vec![Step { cell, tuned: true }]],
        settling: Duration::from_millis(200),
        span: Duration::from_millis(500),
    }
}

fn assert_delivered(rows: &[Row], peers: usize) {
    let value = |row: &&Row| row.spread.median;
    for row in rows {
        assert!(value(&row).is_finite(), "{row:?}");
    }
    let updates: Vec<_> = rows
        .iter()
        .filter(|row| row.figure == Figure::UpdatesPerSecond)
        .collect();
    assert_eq!(updates.len(), peers);
    assert!(updates.iter().all(|row| value(row) > 0.0), "{updates:?}");
}

#[test]
fn in_godot_both_ways_show_what_moves_to_every_client_with_losses_too() -> Outcome {
    let cell = Cell::lossless(3, 2).losing(20);
    let rows = peers::in_godot(&plan(cell), 1, |_| {})?;
    assert_delivered(&rows, 4);
    let errors = rows.iter().filter(|row| row.figure == Figure::ErrorP99);
    for row in errors {
        assert!(
            row.spread.median <= 2e3 * RADIUS_M,
            "off the circle: {row:?}"
        );
    }
    Ok(())
}

#[test]
fn without_an_engine_every_library_delivers_the_same_messages() -> Outcome {
    let rows = peers::headless::compare(&plan(Cell::lossless(5, 3)), |_| {})?;
    assert_delivered(&rows, 7);
    Ok(())
}

#[test]
fn in_a_crowd_everybody_sees_what_all_others_move() -> Outcome {
    let rows = peers::headless::compare_crowds(&plan(Cell::lossless(1, 1)), &[4], |_| {})?;
    assert_delivered(&rows, 7);
    let updates = rows
        .iter()
        .filter(|row| row.figure == Figure::UpdatesPerSecond);
    for row in updates {
        assert!(
            (row.objects, row.clients) == (3, 4) && row.spread.median > 2.0,
            "{row:?}"
        );
    }
    Ok(())
}

#[test]
fn without_an_engine_every_library_loses_updates_where_packets_are_lost() -> Outcome {
    let rows = peers::headless::compare(&plan(Cell::lossless(1, 1).losing(500)), |_| {})?;
    assert_delivered(&rows, 7);
    let updates = rows
        .iter()
        .filter(|row| row.figure == Figure::UpdatesPerSecond);
    for row in updates {
        assert!(row.spread.median < 55.0, "nothing was lost: {row:?}");
    }
    Ok(())
}
