//! Godot, and the projects that it runs.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{Failure, Outcome, folder, process::Process};

/// Names the program that starts Godot.
pub const LAUNCHER_VARIABLE: &str = "GODOT4_BIN";
/// Where the extension has to lie in this repository.
const EXTENSION: &str = "addons/synced_node/bin/linux.x86_64/libsynced_node.so";
/// How long the import of a project may take; the first one also fills Godot's caches.
const IMPORT_TIME_MAX: Duration = Duration::from_secs(180);

/// A Godot that can be started.
#[derive(Debug, Clone)]
pub struct Godot {
    launcher: PathBuf,
}

impl Godot {
    /// The Godot that [`LAUNCHER_VARIABLE`] names.
    ///
    /// # Errors
    /// When it names none, or the extension is not installed: what to do about it.
    pub fn find() -> Outcome<Self> {
        let launcher = env::var_os(LAUNCHER_VARIABLE).ok_or_else(|| {
            Failure::new(format!("{LAUNCHER_VARIABLE} does not name a Godot: run scripts/test, which finds or fetches one"))
        })?;
        Self::at(launcher.into())
    }

    /// The Godot that `launcher` starts.
    ///
    /// # Errors
    /// When the extension is not installed.
    pub fn at(launcher: PathBuf) -> Outcome<Self> {
        let extension = folder::repository().join(EXTENSION);
        if !extension.is_file() {
            return Err(Failure::new(format!(
                "{EXTENSION} is missing: run scripts/build-extension"
            )));
        }
        Ok(Self { launcher })
    }

    /// A command that runs the project in `project` without a display. What Godot keeps for its user goes below `home`.
    ///
    /// # Errors
    /// When the project cannot be imported, or `home` not be made.
    pub fn headless(&self, project: &Path, home: &Path) -> Outcome<Command> {
        self.import(project)?;
        let mut command = Command::new(&self.launcher);
        command
            .args(["--headless", "--audio-driver", "Dummy", "--path"])
            .arg(project);
        self.keep_below(&mut command, home)?;
        Ok(command)
    }

    /// A command that runs the project in `project` and draws it: on the display that `wrapper` provides for the command behind
    /// it, else on this machine's own.
    ///
    /// # Errors
    /// As [`headless`](Self::headless).
    pub fn drawing(&self, wrapper: Option<&Path>, project: &Path, home: &Path) -> Outcome<Command> {
        self.drawn(wrapper, "off", project, home)
    }

    /// As [`drawing`](Self::drawing), to the headset of the OpenXR runtime that the environment names.
    ///
    /// # Errors
    /// As there.
    pub fn with_headset(
        &self,
        wrapper: Option<&Path>,
        project: &Path,
        home: &Path,
    ) -> Outcome<Command> {
        self.drawn(wrapper, "on", project, home)
    }

    fn drawn(
        &self,
        wrapper: Option<&Path>,
        xr_mode: &str,
        project: &Path,
        home: &Path,
    ) -> Outcome<Command> {
        self.import(project)?;
        let mut command = Command::new(wrapper.unwrap_or(&self.launcher));
        if wrapper.is_some() {
            command.arg(&self.launcher);
        }
        command
            .args([
                "--xr-mode",
                xr_mode,
                "--audio-driver",
                "Dummy",
                "--rendering-method",
                "mobile",
                "--path",
            ])
            .arg(project);
        self.keep_below(&mut command, home)?;
        Ok(command)
    }

    /// The caches stay where they are: a wrapper finds its display there.
    fn keep_below(&self, command: &mut Command, home: &Path) -> Outcome {
        folder::make(home)?;
        command
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CONFIG_HOME", home.join("config"));
        command
            .env(LAUNCHER_VARIABLE, &self.launcher)
            .env("RUST_BACKTRACE", "1");
        Ok(())
    }

    /// Prepares a project for runs without the editor, once for every process of tests.
    fn import(&self, project: &Path) -> Outcome {
        static IMPORTED: Mutex<BTreeMap<PathBuf, Outcome>> = Mutex::new(BTreeMap::new());
        let mut imported = IMPORTED.lock().unwrap_or_else(PoisonError::into_inner);
        imported
            .entry(project.to_path_buf())
            .or_insert_with(|| self.run_import(project))
            .clone()
    }

    fn run_import(&self, project: &Path) -> Outcome {
        let name = project
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let log = folder::fresh(&format!("import-{name}"))?.join("log");
        let mut command = Command::new(folder::repository().join("scripts/import-project"));
        command.arg(project).env(LAUNCHER_VARIABLE, &self.launcher);
        let mut process = Process::spawn("scripts/import-project", &mut command, &log)?;
        if process.wait(IMPORT_TIME_MAX)?.success() {
            Ok(())
        } else {
            Err(process.failure("failed"))
        }
    }
}
