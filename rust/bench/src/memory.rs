//! What a process holds.

use std::fs;

/// How many bytes of memory this process has in use, those included that its allocator keeps for later; `None` where the system
/// does not tell.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    held_by("self")
}

/// The same of another process; `None` too where there is no such process.
#[must_use]
pub fn resident_bytes_of(process: u32) -> Option<u64> {
    held_by(&process.to_string())
}

fn held_by(process: &str) -> Option<u64> {
    resident(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// From what Linux says of a process: "VmRSS:     1234 kB" is a line of it.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn whoever_writes_to_memory_holds_it() {
        const MORE: usize = 64 * 1024 * 1024;
        let before = resident_bytes().unwrap();
        let held = std::hint::black_box(vec![1_u8; MORE]);
        let grown = resident_bytes().unwrap() - before;
        assert!(grown > MORE as u64 / 2, "{grown} of {}", held.len());
    }

    #[test]
    fn another_process_holds_something_and_none_holds_nothing() {
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let held = resident_bytes_of(other.id());
        other.kill().and_then(|()| other.wait()).unwrap();
        assert!(held.is_some_and(|bytes| bytes > 0), "{held:?}");
        assert_eq!(resident_bytes_of(u32::MAX), None);
    }

    #[test]
    fn what_is_no_number_of_kilobytes_is_not_taken_for_one() {
        assert_eq!(
            resident("VmPeak:\t9 kB\nVmRSS:\t  12 kB\n"),
            Some(12 * 1_024)
        );
        for text in ["", "VmRSS: 12", "VmRSS: x kB", "VmHWM: 12 kB"] {
            assert_eq!(resident(text), None, "{text}");
        }
    }
}
