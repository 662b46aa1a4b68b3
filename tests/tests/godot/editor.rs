//! The addon in the editor.

use std::time::Duration;

use synced_tests::{Failure, Outcome, folder, godot::Godot, journal, process::Process};

/// How long the editor may take to start, to run the tests in it, and to end.
const EDITOR_TIME_MAX: Duration = Duration::from_secs(180);

/// The project's own plugin runs its tests once the editor is up, and ends it.
#[test]
fn the_plugin_loads_its_pickers_work_and_misused_nodes_are_warned_of() -> Outcome {
    let folder = folder::fresh("editor")?;
    let project = folder::repository().join("tests/godot/editor");
    let mut command = Godot::find()?.headless(&project, &folder.join("home"))?;
    command.args(["--editor", "--verbose"]);
    let mut editor = Process::spawn("the editor", &mut command, &folder.join("editor.log"))?;
    let status = editor.wait(EDITOR_TIME_MAX)?;
    let output = editor.output();
    let faults = journal::faults(&output, &[]);
    let is_complete = output.contains("editor tests: passed");
    if status.success() && is_complete && faults.is_empty() {
        return Ok(());
    }
    let failed: Vec<_> = output
        .lines()
        .filter(|line| line.starts_with("FAIL "))
        .collect();
    let text = [failed.join("\n"), faults.join("\n")].join("\n");
    Err(
        Failure::new(format!("the editor's tests ended with {status}"))
            .with("failures, errors and leaks", &text),
    )
}
