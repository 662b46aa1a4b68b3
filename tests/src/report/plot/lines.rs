//! Lines over one or two scales.

use plotters::{
    coord::Shift,
    prelude::{ChartBuilder, Circle, DrawingArea, IntoDrawingArea, PathElement, SVGBackend, Text},
    style::{Color, RGBColor, WHITE},
};

use super::{FONT, Field, INK, TEXT_SIZE, TITLE_SIZE, WIDTH, colour, failed, label, legend, text};
use crate::{Outcome, peers::Spread};

/// What the scales are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axes<'a> {
    /// Above everything.
    pub title: &'a str,
    /// From left to right.
    pub x: &'a str,
    /// From bottom to top.
    pub y: &'a str,
    /// Whether the upward scale is logarithmic; the other always is.
    pub log_y: bool,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// In the legend.
    pub name: String,
    /// From left to right; each has its value beside it.
    pub points: Vec<Point>,
}

/// The median of some repetitions, and what they lie between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Positive.
    pub x: f64,
    /// Positive, where the scale is logarithmic.
    pub y: Spread,
}

const HEIGHT: u32 = 460;
/// What of a linear scale is left above the highest point.
const ROOM: f64 = 1.1;
/// The least that a logarithmic scale tells apart, against zero.
const LOG_MIN: f64 = 1e-6;

#[derive(Debug, Clone, Copy)]
struct Scales {
    x: Scale,
    y: Scale,
}

/// A place on a scale, and the value at a place.
#[derive(Debug, Clone, Copy)]
struct Scale {
    is_log: bool,
    from: f64,
    to: f64,
}

/// Lines with a legend; a vertical stroke at each point from the least repetition to the greatest.
///
/// # Errors
/// When there are no points.
pub fn lines(axes: Axes<'_>, lines: &[Line]) -> Outcome<String> {
    let points: Vec<_> = lines.iter().flat_map(|line| &line.points).collect();
    if points.is_empty() {
        return Err(failed(format_args!("{}: no points", axes.title)));
    }
    let scales = Scales::of(axes, &points);
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    let mut svg = String::new();
    {
        let size = (WIDTH, HEIGHT + legend::pixels(names.len()));
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let (top, below) = root.split_vertically(HEIGHT);
        let field = field(&top, axes, scales)?;
        for (place, line) in lines.iter().enumerate() {
            line.draw(&field, scales, colour(place))?;
        }
        legend::draw(&below, &names)?;
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

fn field<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    axes: Axes<'_>,
    Scales { x, y }: Scales,
) -> Outcome<Field<'a>> {
    let mut chart = ChartBuilder::on(area)
        .caption(axes.title, (FONT, TITLE_SIZE, &INK))
        .margin(10)
        .margin_right(50)
        .x_label_area_size(50)
        .y_label_area_size(75)
        .build_cartesian_2d(x.from..x.to, y.from..y.to)
        .map_err(failed)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(axes.x).y_desc(axes.y).light_line_style(WHITE);
    mesh.x_labels(x.ticks()).y_labels(y.ticks());
    mesh.label_style((FONT, TEXT_SIZE, &INK))
        .x_label_formatter(&|place| label(x.value(*place)))
        .y_label_formatter(&|place| label(y.value(*place)))
        .draw()
        .map_err(failed)?;
    Ok(chart.plotting_area().clone())
}

impl Line {
    fn draw(&self, field: &Field<'_>, scales: Scales, shade: RGBColor) -> Outcome {
        let places = self.points.iter().map(|point| scales.place(point));
        let path = PathElement::new(places.collect::<Vec<_>>(), shade.stroke_width(2));
        field.draw(&path).map_err(failed)?;
        for point in &self.points {
            let at = scales.place(point);
            let ends = [point.y.min, point.y.max].map(|end| (at.0, scales.y.place(end)));
            field
                .draw(&PathElement::new(ends.to_vec(), shade))
                .map_err(failed)?;
            field
                .draw(&Circle::new(at, 3, shade.filled()))
                .map_err(failed)?;
            let value = Text::new(label(point.y.median), at, text().color(&shade));
            field.draw(&value).map_err(failed)?;
        }
        Ok(())
    }
}

impl Scales {
    fn of(axes: Axes<'_>, points: &[&Point]) -> Self {
        let heights = points.iter().flat_map(|point| [point.y.min, point.y.max]);
        Self {
            x: Scale::logarithmic(points.iter().map(|point| point.x)),
            y: if axes.log_y {
                Scale::logarithmic(heights)
            } else {
                Scale::linear(heights)
            },
        }
    }

    fn place(self, point: &Point) -> (f64, f64) {
        (self.x.place(point.x), self.y.place(point.y.median))
    }
}

impl Scale {
    /// From a power of ten to another.
    fn logarithmic(values: impl Iterator<Item = f64>) -> Self {
        let logs = values.map(|value| value.max(LOG_MIN).log10());
        let (from, to) = ends(logs);
        let (from, to) = (from.floor(), to.ceil());
        Self {
            is_log: true,
            from,
            to: if to > from { to } else { from + 1.0 },
        }
    }

    /// From zero.
    fn linear(values: impl Iterator<Item = f64>) -> Self {
        let (_, to) = ends(values);
        Self {
            is_log: false,
            from: 0.0,
            to: if to > 0.0 { ROOM * to } else { 1.0 },
        }
    }

    fn place(self, value: f64) -> f64 {
        if self.is_log {
            value.max(LOG_MIN).log10()
        } else {
            value
        }
    }

    fn value(self, place: f64) -> f64 {
        if self.is_log {
            10_f64.powf(place)
        } else {
            place
        }
    }

    /// On a logarithmic scale one for each power of ten.
    fn ticks(self) -> usize {
        if self.is_log {
            (self.to - self.from).round() as usize + 1
        } else {
            8
        }
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), value| {
        (from.min(value), to.max(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXES: Axes<'_> = Axes {
        title: "Bytes by objects",
        x: "objects",
        y: "bytes an update",
        log_y: true,
    };

    fn line(name: &str, points: &[(f64, f64)]) -> Line {
        let point = |(x, y): &(f64, f64)| Point {
            x: *x,
            y: Spread::of([*y]),
        };
        Line {
            name: name.to_owned(),
            points: points.iter().map(point).collect(),
        }
    }

    #[test]
    fn every_name_and_every_value_is_in_the_drawing() {
        let all = [
            line("ours", &[(1.0, 120.0), (100.0, 21.5)]),
            line("theirs", &[(1.0, 91.0), (100.0, 46.0)]),
        ];
        for log_y in [false, true] {
            let svg = lines(Axes { log_y, ..AXES }, &all).unwrap();
            for text in [
                "Bytes by objects",
                "bytes an update",
                "objects",
                "ours",
                "theirs",
                "120",
                "21.5",
                "91",
                "46",
            ] {
                let is_there = svg.lines().any(|line| line.trim() == text);
                assert!(is_there, "no {text} in {svg}");
            }
        }
    }

    #[test]
    fn logarithmic_scales_go_from_one_power_of_ten_to_another() {
        let scale = Scale::logarithmic([20.0, 800.0].into_iter());
        assert_eq!((scale.from, scale.to, scale.ticks()), (1.0, 3.0, 3));
        assert!((scale.value(scale.place(50.0)) - 50.0).abs() < 1e-9);
        let narrow = Scale::logarithmic([100.0].into_iter());
        assert_eq!((narrow.from, narrow.to), (2.0, 3.0));
        let zero = Scale::logarithmic([0.0, 1.0].into_iter());
        assert!(zero.from.is_finite());
    }

    #[test]
    fn without_points_there_is_no_plot() {
        assert!(lines(AXES, &[line("ours", &[])]).is_err());
    }
}
