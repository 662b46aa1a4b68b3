//! Which colour is whose.

use plotters::{
    coord::Shift,
    prelude::{DrawingArea, Rectangle, SVGBackend, Text},
    style::Color,
};

use super::{WIDTH, colour, failed, text};
use crate::Outcome;

const ROW_PIXELS: u32 = 26;
const COLUMNS: u32 = 3;
const LEFT_PIXELS: u32 = 20;
const SQUARE_PIXELS: i32 = 14;

/// How much room below a plot so many names take.
pub(super) fn pixels(names: usize) -> u32 {
    (names as u32).div_ceil(COLUMNS) * ROW_PIXELS
}

/// Draws each name beside its colour.
pub(super) fn draw(area: &DrawingArea<SVGBackend<'_>, Shift>, names: &[&str]) -> Outcome {
    let column = (WIDTH - LEFT_PIXELS) / COLUMNS;
    for (place, name) in (0..).zip(names) {
        let x = (LEFT_PIXELS + column * (place % COLUMNS)).cast_signed();
        let y = (ROW_PIXELS * (place / COLUMNS)).cast_signed();
        let corners = [(x, y), (x + SQUARE_PIXELS, y + SQUARE_PIXELS)];
        let square = Rectangle::new(corners, colour(place as usize).filled());
        area.draw(&square).map_err(failed)?;
        let name = Text::new((*name).to_owned(), (x + SQUARE_PIXELS + 6, y), text());
        area.draw(&name).map_err(failed)?;
    }
    Ok(())
}
