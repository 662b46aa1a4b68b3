//! A word about the time: `[0][asked at u64]`, or `[1][asked at u64][session time u64][wall clock u64][sure u8]`.

use synced_protocol::{error::DecodeError, time::Micros};

/// A word about the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Question {
        asked_at: Micros,
    },
    Answer {
        asked_at: Micros,
        session_time: Micros,
        /// What the system's clock of the one who answers shows.
        wall: Micros,
        sure: bool,
    },
}

impl Word {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(26);
        match self {
            Self::Question { asked_at } => {
                bytes.push(0);
                bytes.extend(asked_at.0.to_le_bytes());
            }
            Self::Answer {
                asked_at,
                session_time,
                wall,
                sure,
            } => {
                bytes.push(1);
                for time in [asked_at, session_time, wall] {
                    bytes.extend(time.0.to_le_bytes());
                }
                bytes.push(sure.into());
            }
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&tag, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let (asked_at, rest) = take_time(rest)?;
        match tag {
            0 if rest.is_empty() => Ok(Self::Question { asked_at }),
            0 => Err(DecodeError::Trailing),
            1 => {
                let (session_time, rest) = take_time(rest)?;
                let (wall, rest) = take_time(rest)?;
                let sure = match rest {
                    [] => return Err(DecodeError::Truncated),
                    [sure @ 0..=1] => *sure == 1,
                    [tag] => {
                        return Err(DecodeError::BadTag {
                            what: "flag",
                            tag: *tag,
                        });
                    }
                    _ => return Err(DecodeError::Trailing),
                };
                Ok(Self::Answer {
                    asked_at,
                    session_time,
                    wall,
                    sure,
                })
            }
            tag => Err(DecodeError::BadTag {
                what: "word of time",
                tag,
            }),
        }
    }
}

fn take_time(bytes: &[u8]) -> Result<(Micros, &[u8]), DecodeError> {
    let (time, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
    Ok((Micros(u64::from_le_bytes(*time)), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_word_is_its_bytes() {
        let asked_at = Micros(0x0807_0605_0403_0201);
        let question = Word::Question { asked_at };
        assert_eq!(question.encode(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let answer = Word::Answer {
            asked_at,
            session_time: Micros(9),
            wall: Micros(10),
            sure: true,
        };
        let zeros = [0; 7].as_slice();
        let head = [1, 1, 2, 3, 4, 5, 6, 7, 8].as_slice();
        let bytes = [head, &[9], zeros, &[10], zeros, &[1]].concat();
        assert_eq!(answer.encode(), bytes);
        for word in [question, answer] {
            let bytes = word.encode();
            assert_eq!(Word::decode(&bytes), Ok(word));
            for cut in 0..bytes.len() {
                assert_eq!(Word::decode(&bytes[..cut]), Err(DecodeError::Truncated));
            }
            let longer = [bytes.as_slice(), &[0]].concat();
            assert_eq!(Word::decode(&longer), Err(DecodeError::Trailing));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_word_that_has_the_same_bytes_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..32)) {
            if let Ok(word) = Word::decode(&bytes) {
                prop_assert_eq!(word.encode(), bytes);
            }
        }
    }
}
