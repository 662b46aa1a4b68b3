//! Words of others, for the log.

use std::fmt;

/// The longest that others are quoted with, in characters.
const QUOTE_MAX: usize = 200;

/// What is shown, on one line and not too long, whatever a peer has put into it.
pub(crate) fn plain(shown: impl fmt::Display) -> String {
    let one_line = |letter: char| match letter {
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    shown
        .to_string()
        .chars()
        .map(one_line)
        .take(QUOTE_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_stay_on_one_line_and_are_cut() {
        assert_eq!(plain("no\r\n\x1b[31mERROR"), "no   [31mERROR");
        assert_eq!(plain("ä".repeat(QUOTE_MAX + 1)), "ä".repeat(QUOTE_MAX));
    }
}
