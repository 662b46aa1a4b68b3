//! Bars whose parts add up.

use plotters::{
    coord::Shift,
    prelude::{
        ChartBuilder, DrawingArea, IntoDrawingArea, PathElement, Rectangle, SVGBackend, Text,
    },
    style::{Color, WHITE},
};

use super::{FONT, Field, INK, TEXT_SIZE, TITLE_SIZE, WIDTH, colour, failed, label, legend, text};
use crate::Outcome;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// Its parts in their order, by name.
    pub parts: Vec<(String, f64)>,
    /// Something beside the sum, by name: a mark across the bar.
    pub mark: Option<(String, f64)>,
}

const BAR_PIXELS: u32 = 76;
const FRAME_PIXELS: u32 = 110;
/// What of the width is left for labels behind the longest bar.
const ROOM: f64 = 1.15;

/// Bars below each other, with a legend of their parts' names. Under each bar stand its values.
///
/// # Errors
/// When there are no bars, or they have no length.
pub fn stacked(title: &str, unit: &str, bars: &[Bar]) -> Outcome<String> {
    let longest = bars.iter().map(Bar::reach).fold(0.0, f64::max);
    if !(longest > 0.0 && longest.is_finite()) {
        return Err(failed(format_args!("{title}: the bars have no length")));
    }
    let names = names(bars);
    let upper = BAR_PIXELS * bars.len() as u32 + FRAME_PIXELS;
    let mut svg = String::new();
    {
        let size = (WIDTH, upper + legend::pixels(names.len()));
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let (top, below) = root.split_vertically(upper);
        let field = field(&top, title, unit, (longest * ROOM, bars.len() as f64))?;
        for (row, bar) in bars.iter().rev().enumerate() {
            bar.draw(&field, row as f64, &names)?;
        }
        legend::draw(&below, &names)?;
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

/// A scale from left to right, and a row of height 1 for each bar.
fn field<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    title: &str,
    unit: &str,
    (length, rows): (f64, f64),
) -> Outcome<Field<'a>> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, TITLE_SIZE, &INK))
        .margin(10)
        .margin_left(20)
        .x_label_area_size(45)
        .build_cartesian_2d(0.0..length, 0.0..rows)
        .map_err(failed)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_y_mesh()
        .disable_y_axis()
        .light_line_style(WHITE);
    mesh.x_desc(unit)
        .label_style((FONT, TEXT_SIZE, &INK))
        .x_label_formatter(&|value| label(*value))
        .draw()
        .map_err(failed)?;
    Ok(chart.plotting_area().clone())
}

impl Bar {
    /// Its name, below it the bar, below that its values.
    fn draw(&self, field: &Field<'_>, row: f64, names: &[&str]) -> Outcome {
        let write = |words: String, height| {
            let text = Text::new(words, (0.0, row + height), text());
            field.draw(&text).map_err(failed)
        };
        write(self.name.clone(), 0.95)?;
        self.draw_parts(field, row, names)?;
        if let Some((_, at)) = &self.mark {
            let ends = vec![(*at, row + 0.28), (*at, row + 0.70)];
            let stroke = PathElement::new(ends, INK.stroke_width(3));
            field.draw(&stroke).map_err(failed)?;
        }
        write(self.values(), 0.28)
    }

    fn draw_parts(&self, field: &Field<'_>, row: f64, names: &[&str]) -> Outcome {
        let mut from = 0.0;
        for (name, length) in &self.parts {
            let place = names.iter().position(|known| known == name);
            let shade = colour(place.unwrap_or_default()).filled();
            let corners = [(from, row + 0.34), (from + length, row + 0.64)];
            field
                .draw(&Rectangle::new(corners, shade))
                .map_err(failed)?;
            from += length;
        }
        Ok(())
    }

    fn sum(&self) -> f64 {
        self.parts.iter().map(|(_, length)| length).sum()
    }

    fn reach(&self) -> f64 {
        let mark = self.mark.as_ref().map_or(0.0, |(_, at)| *at);
        self.sum().max(mark)
    }

    fn values(&self) -> String {
        let parts = self.parts.iter();
        let parts: Vec<_> = parts
            .map(|(name, length)| format!("{name} {}", label(*length)))
            .collect();
        let mut text = parts.join(" + ");
        if parts.len() > 1 {
            text += &format!(" = {}", label(self.sum()));
        }
        if let Some((name, at)) = &self.mark {
            text += &format!(", {name} {}", label(*at));
        }
        text
    }
}

/// The names of all parts, each once, in the order in which they come.
fn names(bars: &[Bar]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in bars.iter().flat_map(|bar| &bar.parts) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars() -> [Bar; 2] {
        let part = |name: &str, length| (name.to_owned(), length);
        [
            Bar {
                name: "the line to beat".to_owned(),
                parts: vec![part("leader", 4.0), part("apply", 12.5)],
                mark: Some(("p99".to_owned(), 22.0)),
            },
            Bar {
                name: "ours".to_owned(),
                parts: vec![part("apply", 1.25)],
                mark: None,
            },
        ]
    }

    #[test]
    fn every_name_and_every_value_is_in_the_drawing() {
        let svg = stacked("By stage", "ms", &bars()).unwrap();
        for text in [
            "By stage",
            "the line to beat",
            "leader 4 + apply 12.5 = 16.5, p99 22",
            "ours",
            "apply 1.25",
        ] {
            assert!(svg.contains(text), "no {text} in {svg}");
        }
        let legend = svg.lines().filter(|line| line.trim() == "apply");
        assert_eq!(legend.count(), 1, "{svg}");
    }

    #[test]
    fn a_part_twice_as_long_is_drawn_twice_as_long() {
        let svg = stacked("By stage", "ms", &bars()).unwrap();
        let widths: Vec<f64> = svg
            .lines()
            .filter(|line| line.starts_with("<rect") && line.contains("stroke=\"none\""))
            .filter_map(|line| {
                line.split("width=\"")
                    .nth(1)?
                    .split('"')
                    .next()?
                    .parse()
                    .ok()
            })
            .collect();
        let [_background, _ours, leader, apply, ..] = widths[..] else {
            panic!("{svg}");
        };
        assert!((apply / leader - 12.5 / 4.0).abs() < 0.05, "{widths:?}");
    }

    #[test]
    fn bars_without_length_are_no_plot() {
        assert!(stacked("By stage", "ms", &[]).is_err());
    }
}
