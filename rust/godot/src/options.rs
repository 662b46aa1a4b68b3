//! The options that a game gives as a dictionary.

use std::ops::RangeInclusive;

use godot::prelude::*;

/// A dictionary whose keys are known. What is wrong with a value is told by its key.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    given: &'a VarDictionary,
}

impl<'a> Options<'a> {
    pub(crate) fn new(given: &'a VarDictionary, known: &[&str]) -> Result<Self, String> {
        for (key, _) in given.iter_shared() {
            let key = key.stringify().to_string();
            if !known.contains(&key.as_str()) {
                return Err(format!(
                    "there is no option \"{key}\"; there are {}",
                    known.join(", ")
                ));
            }
        }
        Ok(Self { given })
    }

    pub(crate) fn text(&self, key: &str, default: &str) -> Result<String, String> {
        match self.value(key) {
            None => Ok(default.to_owned()),
            Some(value) => match value.get_type() {
                VariantType::STRING | VariantType::STRING_NAME => Ok(value.stringify().to_string()),
                _ => Err(format!("option \"{key}\" has to be a String")),
            },
        }
    }

    pub(crate) fn boolean(&self, key: &str, default: bool) -> Result<bool, String> {
        self.value(key).map_or(Ok(default), |value| {
            value
                .try_to()
                .map_err(|_| format!("option \"{key}\" has to be a bool"))
        })
    }

    pub(crate) fn integer(
        &self,
        key: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, String> {
        let Some(value) = self.value(key) else {
            return Ok(default);
        };
        let number = value
            .try_to::<i64>()
            .ok()
            .and_then(|number| u64::try_from(number).ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                format!(
                    "option \"{key}\" has to be an int from {} to {}",
                    range.start(),
                    range.end()
                )
            })
    }

    fn value(&self, key: &str) -> Option<Variant> {
        self.given.get(key)
    }
}
