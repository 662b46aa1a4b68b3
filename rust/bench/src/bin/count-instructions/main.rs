//! Counts what each piece of work takes in instructions and allocations, and compares that with what was accepted before.
//! Run it by scripts/count-instructions, which makes what it needs.
//!
//! The argument is `check`, or `accept` to write a new baseline. The environment has:
//! - `COUNT_BASELINE`: the file of what was accepted.
//! - `COUNT_MADE_WITH`: what instructions depend on beside the code: compiler, machine, C library.
//! - `COUNT_PROGRAMS`: the folder with the programs `counted` and `allocations`.
//! - `COUNT_VALGRIND`: valgrind; without it only allocations are compared.
//!
//! Exit codes: 0 nothing grew; 1 something did, or is missing or broken.

mod baseline;
mod comparison;
mod counting;
mod report;

use std::{env, fs, path::PathBuf, process::ExitCode};

use baseline::Baseline;
use comparison::{Trust, compare};
use counting::Programs;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::from(1)
        }
    }
}

/// Returns whether nothing grew.
fn run() -> Result<bool, String> {
    let path = PathBuf::from(setting("COUNT_BASELINE")?);
    let programs = Programs {
        folder: setting("COUNT_PROGRAMS")?.into(),
        valgrind: env::var_os("COUNT_VALGRIND").map(PathBuf::from),
    };
    let now = Baseline {
        made_with: setting("COUNT_MADE_WITH")?,
        counts: programs.count()?,
    };
    match env::args().nth(1).as_deref() {
        Some("check") => check(&path, &now),
        Some("accept") if programs.valgrind.is_none() => {
            Err("a baseline needs valgrind".to_owned())
        }
        Some("accept") => accept(&path, &now),
        _ => Err("say check or accept".to_owned()),
    }
}

fn setting(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: run scripts/count-instructions"))
}

fn read(path: &PathBuf) -> Result<Baseline, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.parse()
        .map_err(|what| format!("{}: {what}", path.display()))
}

fn check(path: &PathBuf, now: &Baseline) -> Result<bool, String> {
    let before = read(path)?;
    let trust = Trust::between(&before, now);
    let rows = compare(&before, now, trust);
    print!("{}", report::table(&rows));
    eprint!("{}", report::verdict(&rows, trust, &before, now));
    Ok(!rows.iter().any(|row| row.is_failure()))
}

fn accept(path: &PathBuf, now: &Baseline) -> Result<bool, String> {
    let before = if path.exists() {
        read(path)?
    } else {
        Baseline::default()
    };
    let rows = compare(&before, now, Trust::between(&before, now));
    print!("{}", report::table(&rows));
    fs::write(path, now.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("accepted: {}", path.display());
    Ok(true)
}
