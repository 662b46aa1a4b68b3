//! Joints along the bones of a hand: each as seen from the joint that it hangs on, which looks along its own bone.

use super::{
    JOINTS, PARENT,
    grid::{Hand, ORIENTATIONS, Place, RADIUS_BITS, RADIUS_MAX},
};
use crate::{
    bits::{BitReader, BitWriter, fold, signed_width, unfold},
    error::DecodeError,
    input::{
        cube::OnCube,
        scalar::ScalarCode,
        turn::{normalised, rotated, rotated_back, turn_between, turned},
    },
};

/// Further from its parent, or turned further, no joint is in a chain, in steps.
const LINK_MAX: f64 = 2_000.0;
const WIDTH_BITS: u32 = 5;

/// A hand as its palm and a link for each other joint.
pub(super) struct Chain {
    palm: Palm,
    links: [Link; JOINTS],
}

#[derive(Debug, Clone, Copy)]
struct Palm {
    position: [i32; 3],
    orientation: OnCube,
    radius: i32,
}

/// From a joint's parent to the joint, in the parent's own axes: of which x goes across the hand, and -z along the bone.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    bone: [i32; 3],
    turn: [i32; 3],
    radius: i32,
}

/// How the numbers of the links are written.
#[derive(Debug, Clone, Copy)]
struct Codes {
    /// The bone's x and y.
    across: ScalarCode,
    /// The bone's z.
    along: ScalarCode,
    /// The turn about x.
    bend: ScalarCode,
    /// The turn about y and z.
    twist: ScalarCode,
    radius: ScalarCode,
}

impl Chain {
    /// `None` when a joint is too far from its parent or turned too far.
    pub(super) fn of(hand: &Hand) -> Option<Self> {
        let palm = Palm::of(&hand.0[0]);
        let mut places = [palm.place(); JOINTS];
        let mut links = [Link::default(); JOINTS];
        for joint in 1..JOINTS {
            let parent = places[PARENT[joint]];
            links[joint] = Link::between(&parent, &hand.0[joint])?;
            places[joint] = links[joint].place(&parent);
        }
        Some(Self { palm, links })
    }

    pub(super) fn hand(&self) -> Hand {
        let mut places = [self.palm.place(); JOINTS];
        for joint in 1..JOINTS {
            places[joint] = self.links[joint].place(&places[PARENT[joint]]);
        }
        Hand(places)
    }

    pub(super) fn put(&self, writer: &mut BitWriter<'_>) {
        self.palm.put(writer);
        let links = &self.links[1..];
        let codes = Codes::fitting(links);
        codes.put_self(writer);
        links.iter().for_each(|link| codes.put(link, writer));
    }

    pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        let palm = Palm::take(reader)?;
        let codes = Codes::take_self(reader)?;
        let mut links = [Link::default(); JOINTS];
        for link in &mut links[1..] {
            *link = codes.take(reader)?;
        }
        Ok(Self { palm, links })
    }
}

impl Palm {
    fn of(place: &Place) -> Self {
        Self {
            position: place.position.map(|steps| steps.round() as i32),
            orientation: ORIENTATIONS.nearest(place.orientation),
            radius: place.radius,
        }
    }

    fn place(&self) -> Place {
        Place {
            position: self.position.map(f64::from),
            orientation: ORIENTATIONS.orientation(self.orientation),
            radius: self.radius,
        }
    }

    fn put(&self, writer: &mut BitWriter<'_>) {
        let widths = self.position.map(signed_width);
        let width = widths.into_iter().fold(0, u32::max);
        writer.put(width, WIDTH_BITS);
        for steps in self.position {
            writer.put(steps.cast_unsigned(), width);
        }
        ORIENTATIONS.put(writer, self.orientation);
        writer.put(self.radius.cast_unsigned(), RADIUS_BITS);
    }

    fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        let width = reader.take(WIDTH_BITS)?;
        let mut position = [0; 3];
        for steps in &mut position {
            *steps = reader.take_signed(width)?;
        }
        Ok(Self {
            position,
            orientation: ORIENTATIONS.take(reader)?,
            radius: reader.take(RADIUS_BITS)?.cast_signed(),
        })
    }
}

impl Link {
    fn between(parent: &Place, place: &Place) -> Option<Self> {
        let steps = f64::from(ORIENTATIONS.steps);
        let bone = std::array::from_fn(|axis| place.position[axis] - parent.position[axis]);
        let turn = turn_between(parent.orientation, place.orientation).map(|turn| turn * steps);
        Some(Self {
            bone: whole_steps(rotated_back(bone, parent.orientation))?,
            turn: whole_steps(rotated_back(turn, parent.orientation))?,
            radius: place.radius - parent.radius,
        })
    }

    fn place(&self, parent: &Place) -> Place {
        let steps = f64::from(ORIENTATIONS.steps);
        let bone = rotated(self.bone.map(f64::from), parent.orientation);
        let turn = self.turn.map(|number| f64::from(number) / steps);
        let turn = rotated(turn, parent.orientation);
        Place {
            position: std::array::from_fn(|axis| parent.position[axis] + bone[axis]),
            orientation: normalised(turned(parent.orientation, turn)),
            radius: parent
                .radius
                .saturating_add(self.radius)
                .clamp(0, RADIUS_MAX),
        }
    }
}

fn whole_steps(numbers: [f64; 3]) -> Option<[i32; 3]> {
    let is_near = numbers.iter().all(|number| number.abs() <= LINK_MAX);
    is_near.then(|| numbers.map(|number| number.round() as i32))
}

impl Codes {
    fn fitting(links: &[Link]) -> Self {
        let two = |numbers: fn(&Link) -> [i32; 2]| {
            ScalarCode::fitting(links.iter().flat_map(numbers).map(fold))
        };
        let one =
            |number: fn(&Link) -> i32| ScalarCode::fitting(links.iter().map(number).map(fold));
        Self {
            across: two(|link| [link.bone[0], link.bone[1]]),
            along: one(|link| link.bone[2]),
            bend: one(|link| link.turn[0]),
            twist: two(|link| [link.turn[1], link.turn[2]]),
            radius: one(|link| link.radius),
        }
    }

    /// In the order of a link's numbers.
    const fn of_link(&self) -> [ScalarCode; 7] {
        [
            self.across,
            self.across,
            self.along,
            self.bend,
            self.twist,
            self.twist,
            self.radius,
        ]
    }

    fn put(&self, link: &Link, writer: &mut BitWriter<'_>) {
        let numbers = link.bone.into_iter().chain(link.turn).chain([link.radius]);
        for (code, number) in self.of_link().into_iter().zip(numbers) {
            code.put(fold(number), writer);
        }
    }

    fn take(&self, reader: &mut BitReader<'_>) -> Result<Link, DecodeError> {
        let mut numbers = [0; 7];
        for (number, code) in numbers.iter_mut().zip(self.of_link()) {
            *number = unfold(code.take(reader)?);
        }
        let [x, y, z, bend, twist_y, twist_z, radius] = numbers;
        Ok(Link {
            bone: [x, y, z],
            turn: [bend, twist_y, twist_z],
            radius,
        })
    }

    fn put_self(&self, writer: &mut BitWriter<'_>) {
        for code in [self.across, self.along, self.bend, self.twist, self.radius] {
            code.put_self(writer);
        }
    }

    fn take_self(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            across: ScalarCode::take_self(reader)?,
            along: ScalarCode::take_self(reader)?,
            bend: ScalarCode::take_self(reader)?,
            twist: ScalarCode::take_self(reader)?,
            radius: ScalarCode::take_self(reader)?,
        })
    }
}
