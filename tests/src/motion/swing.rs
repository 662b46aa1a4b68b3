//! An angle over time: a chain of polynomials.

use std::f64::consts::TAU;

/// The coefficients of a polynomial of the fifth degree, the constant first.
type Polynomial = [f64; 6];

/// From 0 to 1, at rest at both ends, with the least jerk (Flash and Hogan, 1985): how people move a hand.
const MINIMUM_JERK: Polynomial = [0.0, 0.0, 0.0, 10.0, -15.0, 6.0];
/// What a rate that eases from 0 to 1 (3u^2 - 2u^3) adds up to.
const EASED_RATE: Polynomial = [0.0, 0.0, 0.0, 1.0, -0.5, 0.0];

/// An angle in radians over time in seconds. Before its beginning and after its end it rests.
#[derive(Debug, Clone, Default)]
pub(super) struct Swing {
    pieces: Vec<Piece>,
    hits: Vec<f64>,
    releases: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    begins_at: f64,
    seconds: f64,
    /// Of the share of the piece that has passed.
    angle: Polynomial,
}

impl Swing {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Stands.
    pub(super) fn wait(self, seconds: f64) -> Self {
        self.add(seconds, [0.0; 6])
    }

    /// Goes on at the rate that it has.
    pub(super) fn go_on(self, seconds: f64) -> Self {
        let rate = self.end().1;
        self.add(seconds, [0.0, rate * seconds, 0.0, 0.0, 0.0, 0.0])
    }

    /// Goes from standing to standing.
    pub(super) fn ease_to(self, angle: f64, seconds: f64) -> Self {
        let way = angle - self.end().0;
        self.add(seconds, MINIMUM_JERK.map(|coefficient| coefficient * way))
    }

    /// Comes smoothly to another rate.
    pub(super) fn reach_rate(self, rate: f64, seconds: f64) -> Self {
        let now = self.end().1;
        let mut angle = EASED_RATE.map(|coefficient| coefficient * (rate - now) * seconds);
        angle[1] = now * seconds;
        self.add(seconds, angle)
    }

    /// Goes faster and faster from standing, and stops dead: a hit.
    pub(super) fn strike_to(self, angle: f64, seconds: f64) -> Self {
        let way = angle - self.end().0;
        let mut struck = self.add(seconds, [0.0, 0.0, way, 0.0, 0.0, 0.0]);
        struck.hits.push(struck.length());
        struck
    }

    /// Lets something go.
    pub(super) fn release(mut self) -> Self {
        self.releases.push(self.length());
        self
    }

    /// Goes on from standing to the next whole turn, and counts from there.
    pub(super) fn close_turn(self) -> Self {
        let whole = (self.end().0 / TAU).ceil() * TAU;
        self.ease_to(whole, 1.0)
    }

    pub(super) fn length(&self) -> f64 {
        self.pieces
            .last()
            .map_or(0.0, |last| last.begins_at + last.seconds)
    }

    pub(super) fn hits(&self) -> &[f64] {
        &self.hits
    }

    pub(super) fn releases(&self) -> &[f64] {
        &self.releases
    }

    /// The angle, and its rate in radians a second.
    pub(super) fn at(&self, seconds: f64) -> (f64, f64) {
        let after = self
            .pieces
            .partition_point(|piece| piece.begins_at <= seconds);
        match after.checked_sub(1) {
            Some(index) => self.pieces[index].at(seconds),
            None => (self.pieces.first().map_or(0.0, |first| first.angle[0]), 0.0),
        }
    }

    /// The angle and its rate as the last piece leaves them.
    fn end(&self) -> (f64, f64) {
        self.pieces
            .last()
            .map_or((0.0, 0.0), |last| last.inside(1.0))
    }

    /// Adds a piece whose angle is counted from where the one before ends.
    fn add(mut self, seconds: f64, mut angle: Polynomial) -> Self {
        angle[0] += self.end().0;
        self.pieces.push(Piece {
            begins_at: self.length(),
            seconds,
            angle,
        });
        self
    }
}

impl Piece {
    fn at(&self, seconds: f64) -> (f64, f64) {
        let share = (seconds - self.begins_at) / self.seconds;
        if share < 1.0 {
            self.inside(share)
        } else {
            (self.inside(1.0).0, 0.0)
        }
    }

    fn inside(&self, share: f64) -> (f64, f64) {
        let horner = |(value, slope): (f64, f64), coefficient: &f64| {
            (value * share + coefficient, slope * share + value)
        };
        let (value, slope) = self.angle.iter().rev().fold((0.0, 0.0), horner);
        (value, slope / self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_begins_where_the_one_before_ends() {
        let swing = Swing::new()
            .ease_to(1.0, 0.5)
            .reach_rate(2.0, 0.5)
            .go_on(1.0)
            .reach_rate(0.0, 0.5);
        assert_eq!(swing.at(0.5), (1.0, 0.0));
        assert_eq!(swing.at(1.0), (1.5, 2.0));
        assert_eq!(swing.at(2.0), (3.5, 2.0));
        assert_eq!(swing.at(9.0), (4.0, 0.0));
        assert_eq!(swing.length(), 2.5);
    }

    #[test]
    fn a_strike_is_at_its_fastest_where_it_stops() {
        let swing = Swing::new().ease_to(1.0, 1.0).strike_to(0.0, 0.5).wait(1.0);
        let (angle, rate) = swing.at(1.5 - 1e-9);
        assert!(angle.abs() < 1e-6 && (rate + 4.0).abs() < 1e-6);
        assert_eq!(swing.at(1.5), (0.0, 0.0));
        assert_eq!(swing.hits(), [1.5]);
    }
}
