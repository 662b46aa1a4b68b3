//! What the value of a setting can be. A value of these types cannot be wrong.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Deserializer, de};
use synced_protocol::store::Durability;
use tracing_subscriber::EnvFilter;

use crate::layer::Setting;
pub(crate) use crate::servers::{ClusterName, Reached, ServerList};

/// A value that is not allowed, and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotAllowed {
    found: String,
    allowed: String,
}

impl NotAllowed {
    pub(crate) fn new(found: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        Self {
            found: found.to_string(),
            allowed: allowed.to_string(),
        }
    }
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, allowed } = self;
        write!(f, "{found:?} is not allowed, but {allowed}")
    }
}

impl std::error::Error for NotAllowed {}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    fn checked(number: i64) -> Result<Self, NotAllowed> {
        u32::try_from(number)
            .ok()
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Self)
            .ok_or_else(|| Self::not_allowed(number))
    }

    fn not_allowed(found: impl fmt::Display) -> NotAllowed {
        NotAllowed::new(found, format_args!("a whole number from {MIN} to {MAX}"))
    }
}

impl<const MIN: u32, const MAX: u32> FromStr for Whole<MIN, MAX> {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        let number = text.parse().map_err(|_| Self::not_allowed(text))?;
        Self::checked(number)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::checked(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// So often a second, down to never.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hertz(pub(crate) f64);

impl Hertz {
    const MAX: f64 = 1_000.0;
}

impl FromStr for Hertz {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        let number = text.parse().ok();
        let allowed = number.filter(|hertz| (0.0..=Self::MAX).contains(hertz));
        allowed.map(Self).ok_or_else(|| {
            let max = Self::MAX;
            NotAllowed::new(text, format_args!("a number from 0 to {max}"))
        })
    }
}

/// A span of time, as people write it: `90s`, `30m`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    /// A day.
    const MAX: Duration = Duration::from_secs(86_400);
    /// From the largest unit to the smallest; each may stand there once.
    const UNITS: [(char, u64); 3] = [('h', 3_600), ('m', 60), ('s', 1)];

    fn seconds(text: &str) -> Option<u64> {
        let (mut seconds, mut rest) = (0_u64, text);
        for (unit, in_seconds) in Self::UNITS {
            if let Some((number, smaller)) = rest.split_once(unit) {
                let number: u64 = number.parse().ok()?;
                seconds = seconds.checked_add(number.checked_mul(in_seconds)?)?;
                rest = smaller;
            }
        }
        rest.is_empty().then_some(seconds)
    }
}

impl FromStr for Span {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        let span = Self::seconds(text).map(Duration::from_secs);
        let allowed = span.filter(|span| !span.is_zero() && *span <= Self::MAX);
        allowed
            .map(Self)
            .ok_or_else(|| NotAllowed::new(text, "a time of at most a day, like 90s, 30m or 1h30m"))
    }
}

/// Text of at most so many bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        if text.len() > MAX {
            let allowed = format_args!("text of at most {MAX} bytes");
            return Err(NotAllowed::new(text, allowed));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A UDP address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) SocketAddr);

impl FromStr for Listen {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        const ALLOWED: &str =
            "an IP address and a port, like \"0.0.0.0:4870\", \"127.0.0.1:0\" or \"[::]:4870\"";
        text.parse()
            .map(Self)
            .map_err(|_| NotAllowed::new(text, ALLOWED))
    }
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) PathBuf);

impl FromStr for Place {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        if text.is_empty() {
            return Err(NotAllowed::new(text, "a path"));
        }
        Ok(Self(text.into()))
    }
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(pub(crate) String);

impl FromStr for LogFilter {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        const ALLOWED: &str =
            "error, warn, info, debug, trace, off, or a list like \"info,synced_node=debug\"";
        match EnvFilter::try_new(text) {
            Ok(_) if !text.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(NotAllowed::new(text, ALLOWED)),
        }
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(NotAllowed::new(other, "text or json")),
        }
    }
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Switch(pub(crate) bool);

impl FromStr for Switch {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        let parsed = text.parse().map(Self);
        parsed.map_err(|_| NotAllowed::new(text, "true or false"))
    }
}

/// When a commit counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Safety(pub(crate) Durability);

impl FromStr for Safety {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        match text {
            "quorum-memory" => Ok(Self(Durability::Memory)),
            "quorum-disk" => Ok(Self(Durability::Disk)),
            other => Err(NotAllowed::new(other, "quorum-memory or quorum-disk")),
        }
    }
}

impl fmt::Display for Safety {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Durability::Memory => "quorum-memory",
            Durability::Disk => "quorum-disk",
        })
    }
}

impl<const MIN: u32, const MAX: u32> Setting for Whole<MIN, MAX> {}
impl<const MAX: usize> Setting for Text<MAX> {}
impl Setting for Listen {}
impl Setting for LogFilter {}
impl Setting for LogFormat {}
impl Setting for Switch {}
impl Setting for Safety {}
impl Setting for Place {
    fn led_from(self, folder: &Path) -> Self {
        Self(folder.join(self.0))
    }
}

macro_rules! deserialize_from_text {
    ($([$($generics:tt)*] $kind:ty),+ $(,)?) => {$(
        impl<'de, $($generics)*> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

deserialize_from_text!([const MAX: usize] Text<MAX>, [] Listen, [] Place, [] LogFilter, [] LogFormat, [] Safety);

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: FromStr<Err = NotAllowed> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn a_number_keeps_to_its_bounds() {
        type Number = Whole<2, 9>;
        assert_eq!("2".parse(), Ok(Whole::<2, 9>(2)));
        assert_eq!("9".parse(), Ok(Whole::<2, 9>(9)));
        for wrong in ["1", "10", "-3", "x", "", "99999999999999999999"] {
            let expected = format!("{wrong:?} is not allowed, but a whole number from 2 to 9");
            assert_eq!(refusal::<Number>(wrong), expected);
        }
    }

    #[test]
    fn a_rate_may_be_a_fraction_but_neither_negative_nor_without_bound() {
        for (text, hertz) in [("0", 0.0), ("0.5", 0.5), ("1000", 1_000.0)] {
            assert_eq!(text.parse(), Ok(Hertz(hertz)));
        }
        for wrong in ["-0.1", "1000.1", "inf", "NaN", ""] {
            assert!(refusal::<Hertz>(wrong).contains("a number from 0 to 1000"));
        }
    }

    #[test]
    fn a_time_is_read_as_people_write_it_and_is_neither_nothing_nor_more_than_a_day() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1_800),
            ("1h30m", 5_400),
            ("1h0m5s", 3_605),
            ("24h", 86_400),
        ] {
            assert_eq!(text.parse(), Ok(Span(Duration::from_secs(seconds))));
        }
        for wrong in [
            "",
            "0s",
            "30",
            "m",
            "-1m",
            "1m1h",
            "1m1m",
            "1.5m",
            "24h1s",
            "99999999999999999999h",
        ] {
            assert!(refusal::<Span>(wrong).contains("like 90s, 30m or 1h30m"));
        }
    }

    #[test]
    fn what_is_no_value_of_its_kind_is_told_what_would_be() {
        assert!(refusal::<Listen>("localhost").contains("an IP address and a port"));
        assert!(refusal::<LogFilter>("a=b=c").contains("info"));
        assert!(refusal::<LogFilter>("").contains("info"));
        assert!(refusal::<LogFormat>("xml").contains("text or json"));
        assert!(refusal::<Switch>("yes").contains("true or false"));
        assert!(refusal::<Text<3>>("four").contains("at most 3 bytes"));
        assert!(refusal::<Place>("").contains("a path"));
        assert!(refusal::<Safety>("disk").contains("quorum-memory or quorum-disk"));
    }
}
