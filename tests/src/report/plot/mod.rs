//! Plots as SVG texts. A plot is given all that it shows, and shows every name that it is given.

mod bars;
mod legend;
mod lines;

use std::fmt;

use plotters::{
    coord::types::RangedCoordf64,
    prelude::{Cartesian2d, DrawingArea, SVGBackend},
    style::{RGBColor, TextStyle},
};

pub use bars::{Bar, stacked};
pub use lines::{Axes, Line, Point, lines};

use crate::Failure;

/// A drawing and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// The name of its file.
    pub file: String,
    /// What it shows, for whoever cannot see it.
    pub title: String,
    /// The drawing.
    pub svg: String,
}

/// Where points are drawn by their numbers.
type Field<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const WIDTH: u32 = 860;
const FONT: &str = "sans-serif";
const TITLE_SIZE: u32 = 22;
const TEXT_SIZE: u32 = 17;
const INK: RGBColor = RGBColor(40, 40, 40);
/// Told apart by whoever sees few colours, too (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(120, 120, 120),
    RGBColor(94, 60, 153),
];

fn colour(place: usize) -> RGBColor {
    COLOURS[place % COLOURS.len()]
}

fn text() -> TextStyle<'static> {
    TextStyle::from((FONT, TEXT_SIZE)).color(&INK)
}

fn failed(error: impl fmt::Display) -> Failure {
    Failure::new(format!("a plot cannot be drawn: {error}"))
}

/// A number as a label: short, and never without a digit that tells.
fn label(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.1 => format!("{value:.3}"),
        0.1..10.0 => shortened(&format!("{value:.2}")),
        10.0..100.0 => shortened(&format!("{value:.1}")),
        _ => format!("{value:.0}"),
    }
}

fn shortened(digits: &str) -> String {
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_keep_what_tells() {
        let labels = [0.0, 0.012, 0.5, 2.05, 16.5, 100.0, 1234.5].map(label);
        assert_eq!(labels, ["0", "0.012", "0.5", "2.05", "16.5", "100", "1234"]);
    }
}
