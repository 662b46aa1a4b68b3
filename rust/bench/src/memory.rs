//! What a process holds.

/// How many bytes of memory this process has in use, those included that its allocator keeps for later; `None` where the system
/// does not tell.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        resident(&std::fs::read_to_string("/proc/self/status").ok()?)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// From what Linux says of a process: "VmRSS:     1234 kB" is a line of it.
#[cfg(target_os = "linux")]
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
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
