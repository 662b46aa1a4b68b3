//! That a run of the suite leaves a report, plots and raw data that say the same.

use std::fs;

use synced_tests::{
    Outcome, folder,
    report::{
        Length, Run,
        sample::CSV_HEADING,
        suite::{self, RAW, REPORT, Suite},
    },
};

#[test]
fn the_smallest_run_leaves_a_report_a_plot_and_every_value() -> Outcome {
    let out = folder::fresh("report-smallest")?;
    let suite = Suite {
        length: Length::Smallest,
        seed: 1,
        only: ["crowd", "single", "counts", "soak"]
            .map(str::to_owned)
            .into(),
        anew: false,
        extra: false,
        options: "--smallest".to_owned(),
    };
    let run = suite.run(&out, &mut |_| {})?;

    let report = fs::read_to_string(out.join(REPORT)).unwrap();
    for text in [
        "# What SyncedNode costs, measured",
        &run.machine.commit,
        "at most 0.5 ms",
        "**players 3, servers 5, bytes 1024**",
        "| confirmed |",
        "| own confirmation |",
        "| world/apply/1000 |",
        "(latency-by-players.svg)",
        "**players 20, servers 5, seconds 4**",
        "(memory-over-time.svg)",
    ] {
        assert!(report.contains(text), "no {text} in\n{report}");
    }
    let plot = fs::read_to_string(out.join("latency-by-players.svg")).unwrap();
    assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>"));

    let raw = fs::read_to_string(out.join(RAW)).unwrap();
    let columns = CSV_HEADING.split(',').count();
    assert!(
        raw.lines().all(|line| line.split(',').count() == columns),
        "{raw}"
    );
    assert_eq!(raw.lines().count(), run.findings.samples.len() + 1);

    fs::remove_file(out.join(REPORT)).unwrap();
    suite::publish(&Run::load(&out)?, &out)?;
    assert_eq!(fs::read_to_string(out.join(REPORT)).unwrap(), report);
    Ok(())
}
