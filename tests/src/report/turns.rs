//! In which order repetitions go.

/// Everything once, then everything once more, each time beginning with another one: whatever the machine does in between falls on
/// all alike. Each comes with the number of its repetition, from 1.
pub fn in_turn<T>(things: &[T], repetitions: u32) -> impl Iterator<Item = (u32, &T)> {
    (1..=repetitions).flat_map(move |repetition| {
        let first = (repetition - 1) as usize;
        let places = (first..first + things.len()).map(|place| place % things.len());
        places.map(move |place| (repetition, &things[place]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repetition_has_everything_once_and_begins_with_another() {
        let order: Vec<_> = in_turn(&['a', 'b', 'c'], 4).collect();
        let text: String = order.iter().map(|(_, thing)| **thing).collect();
        assert_eq!(text, "abcbcacababc");
        assert_eq!(order[3].0, 2);
        assert_eq!(in_turn::<u8>(&[], 3).count(), 0);
    }
}
