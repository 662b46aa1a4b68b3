//! One layer of settings, as a file or the environment says them.

use std::{fmt, path::Path, str::FromStr};

use crate::{
    exit::{Exit, Failure},
    kinds::NotAllowed,
};

const VARIABLE_PREFIX: &str = "SYNCED_";

/// Declares a struct of settings, each an `Option`, and sections of more.
macro_rules! layer {
    (
        $(#[$doc:meta])* $name:ident, $prefix:literal:
        $($key:ident: $kind:ty),+ ;
        $($section:ident: $section_kind:ty),* $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $(pub(crate) $key: Option<$kind>,)+
            $(#[serde(default)] pub(crate) $section: $section_kind,)*
        }

        impl $name {
            /// Every key of this struct, as the file names it.
            pub(crate) const KEYS: &[&str] = &[$(stringify!($key)),+];

            /// The environment variables of all settings, those in sections too.
            pub(crate) fn variables() -> Vec<String> {
                let own = Self::KEYS.iter().map(|key| $crate::layer::variable_of($prefix, key));
                own $(.chain(<$section_kind>::variables()))* .collect()
            }

            /// This layer over another.
            pub(crate) fn over(self, below: Self) -> Self {
                Self {
                    $($key: self.$key.or(below.$key),)+
                    $($section: self.$section.over(below.$section),)*
                }
            }

            /// The same with relative paths led from a folder.
            pub(crate) fn led_from(self, folder: &std::path::Path) -> Self {
                Self {
                    $($key: self.$key.map(|value| $crate::layer::Setting::led_from(value, folder)),)+
                    $($section: self.$section.led_from(folder),)*
                }
            }

            /// The layer of the environment, whose variables `read` reads.
            pub(crate) fn from_environment(
                read: &impl Fn(&str) -> Option<String>,
            ) -> Result<Self, $crate::exit::Failure> {
                Ok(Self {
                    $($key: $crate::layer::variable($prefix, stringify!($key), read)?,)+
                    $($section: <$section_kind>::from_environment(read)?,)*
                })
            }
        }
    };
}

pub(crate) use layer;

/// What a setting can be.
pub(crate) trait Setting: Sized {
    /// The same, led from a folder if it is a relative path.
    fn led_from(self, _folder: &Path) -> Self {
        self
    }
}

/// The environment variable of a key; the prefix is that of its section.
pub(crate) fn variable_of(prefix: &str, key: &str) -> String {
    format!("{VARIABLE_PREFIX}{prefix}{}", key.to_uppercase())
}

/// Those of the names that look like ours and are not known.
pub(crate) fn unknown_variables(
    known: &[String],
    names: impl Iterator<Item = String>,
) -> impl Iterator<Item = String> {
    names.filter(move |name| name.starts_with(VARIABLE_PREFIX) && !known.contains(name))
}

pub(crate) fn variable<T: FromStr<Err = NotAllowed>>(
    prefix: &str,
    key: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Option<T>, Failure> {
    let name = variable_of(prefix, key);
    let parsed = read(&name).map(|text| text.parse()).transpose();
    parsed.map_err(|error| wrong(format_args!("environment variable {name}: {error}")))
}

/// A configuration that somebody must mend.
pub(crate) fn wrong(message: impl fmt::Display) -> Failure {
    Failure::new(Exit::Configuration, message)
}
