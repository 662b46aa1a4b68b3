//! What a process costs.

/// How many seconds this process has computed, on all cores together; `None` where the system does not tell.
#[must_use]
pub fn cpu_s() -> Option<f64> {
    #[cfg(unix)]
    {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9)
    }
    #[cfg(not(unix))]
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_computes_has_computed_more() {
        let before = cpu_s();
        let mut sum = 0_u64;
        while cpu_s() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_s() > before, "{sum}");
    }
}
