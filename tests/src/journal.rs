//! What a Godot must not have written by its end: errors, and objects that it leaked.

use std::collections::BTreeSet;

/// Beginnings of lines that tell of a fault.
const FAULTS: [&str; 4] = [
    "ERROR:",
    "SCRIPT ERROR:",
    "USER ERROR:",
    "USER SCRIPT ERROR:",
];
/// What stands somewhere in a line that tells of a fault.
const FAULT_WORDS: [&str; 5] = [
    "panicked at",
    "ObjectDB instances leaked",
    "Leaked instance",
    "were leaked",
    "still in use at exit",
];

/// What stands in lines by which Godot 4.6 tells of faults of its own whenever OpenXR was on.
const FAULTS_OF_THE_ENGINE: [&str; 2] = [
    "<OpenXRSpatialEntityExtension#",
    "allocations of type 'N9OpenXRAPI18InteractionProfileE'",
];

/// The lines of a log that tell of a fault and contain none of the `expected` texts, each once, and as text each expected one
/// that no line contains.
#[must_use]
pub fn faults(log: &str, expected: &[&str]) -> Vec<String> {
    let told: Vec<_> = log.lines().filter(|line| is_fault(line)).collect();
    let unexpected = told
        .iter()
        .filter(|line| !expected.iter().any(|text| line.contains(text)));
    let missing = expected
        .iter()
        .filter(|text| !told.iter().any(|line| line.contains(**text)));
    let missing = missing.map(|text| format!("(no error tells of: {text})"));
    let mut seen = BTreeSet::new();
    let all = unexpected.map(|line| (*line).to_owned()).chain(missing);
    all.filter(|line| seen.insert(line.clone())).collect()
}

fn is_fault(line: &str) -> bool {
    let is_told = FAULTS
        .iter()
        .any(|fault| line.trim_start().starts_with(fault))
        || FAULT_WORDS.iter().any(|words| line.contains(words));
    is_told
        && !FAULTS_OF_THE_ENGINE
            .iter()
            .any(|words| line.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
Godot Engine v4.6
ERROR: SyncedNode at /root/Cup: no
   at: push_error
SCRIPT ERROR: Invalid call
WARNING: ObjectDB instances leaked at exit (run with --verbose for details).
Leaked instance: RefCounted:1
thread 'x' panicked at src/lib.rs:1
the ERROR: of somebody else";

    #[test]
    fn errors_panics_and_leaks_are_faults() {
        assert_eq!(faults(LOG, &[]).len(), 5);
        assert_eq!(faults(&format!("{LOG}\n{LOG}"), &[]).len(), 5);
        assert_eq!(faults("all is well\n", &[]), Vec::<String>::new());
    }

    #[test]
    fn an_expected_error_is_none_and_its_absence_is_one() {
        assert_eq!(faults("ERROR: refused", &["refused"]), Vec::<String>::new());
        assert_eq!(faults("", &["refused"]), ["(no error tells of: refused)"]);
    }
}
