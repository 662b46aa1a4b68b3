//! A reader of batches written from the page [`wire`](synced_protocol::wire#input-batches) alone, as plainly as it goes: what
//! it makes of a batch is what the real one makes of it.

use glam::{DQuat, DVec3};
use proptest::prelude::*;
use synced_protocol::{
    input::{MAX_BATCH_FRAMES, Precision, decode_batch, encode_batch},
    time::Micros,
};

use crate::motion::{self, MOVING};

/// The tick, the steps of position, linear and angular velocity, N, and the bits of the ratios.
const PRECISIONS: [(u64, f64, f64, f64, i64, u32); 3] = [
    (1, 0.000_055, 0.001, 0.002, 10_000, 43),
    (10, 0.000_11, 0.01, 0.02, 2_500, 37),
    (50, 0.001_1, 0.05, 0.1, 500, 30),
];

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> u64 {
        (0..count).fold(0, |number, place| {
            let bit = self.bytes[self.at / 8] >> (self.at % 8) & 1;
            self.at += 1;
            number | u64::from(bit) << place
        })
    }

    fn flag(&mut self) -> bool {
        self.take(1) == 1
    }

    fn signed(&mut self, count: u32) -> i64 {
        let number = self.take(count) as i64;
        let is_negative = count > 0 && number >> (count - 1) == 1;
        number - if is_negative { 1 << count } else { 0 }
    }

    fn rice(&mut self, k: u32) -> i64 {
        let mut q = 0;
        while q < 24 && self.flag() {
            q += 1;
        }
        let rest = if q == 24 {
            self.take(32)
        } else {
            q << k | self.take(k)
        };
        rest as i64
    }

    fn signed_rice(&mut self, k: u32) -> i64 {
        let f = self.rice(k);
        if f % 2 == 0 { f / 2 } else { -(f + 1) / 2 }
    }

    fn vector(&mut self, mut number: impl FnMut(&mut Self) -> i64) -> DVec3 {
        let [x, y, z] = [number(self), number(self), number(self)].map(|number| number as f64);
        DVec3::new(x, y, z)
    }

    fn residuals(&mut self, code: u32) -> DVec3 {
        match code {
            0 => DVec3::ZERO,
            1 if !self.flag() => DVec3::ZERO,
            1 => self.vector(|bits| bits.signed_rice(0)),
            code => self.vector(|bits| bits.signed_rice(code - 2)),
        }
    }
}

/// A sample in steps.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    tick: u64,
    position: DVec3,
    orientation: DQuat,
    linear: DVec3,
    angular: DVec3,
    is_jump: bool,
    controls: [u64; 4],
}

/// What a batch says of all its samples.
struct Head {
    tick_us: u64,
    h: f64,
    g: f64,
    n: i64,
    ratio_bits: u32,
    models: [u32; 4],
    interval_codes: [u32; 2],
    codes: [u32; 4],
    widths: [u32; 3],
}

fn read(bytes: &[u8], sent_at: u64) -> Vec<Sample> {
    let bits = &mut Bits { bytes, at: 0 };
    let behind = bits.take(6);
    let head = head(bits, behind > 0);
    let age_bits = [8, 11, 14, 24][bits.take(2) as usize];
    let mut now = Sample {
        tick: (sent_at / head.tick_us).saturating_sub(bits.take(age_bits)),
        ..Sample::default()
    };
    marks(bits, true, &mut now);
    whole(bits, &head, &mut now);
    let (mut samples, mut from, mut rates) = (vec![now], now, [DVec3::ZERO; 4]);
    for _ in 0..behind {
        let ticks = interval(bits, &head);
        now.tick += ticks;
        if marks(bits, false, &mut now) {
            whole(bits, &head, &mut now);
            (from, rates) = (now, [DVec3::ZERO; 4]);
        } else {
            from = follow(bits, &head, ticks as f64, (&from, &mut rates), &mut now);
        }
        samples.push(now);
    }
    assert!(bytes.len() * 8 - bits.at < 8);
    samples
}

fn head(bits: &mut Bits<'_>, has_followers: bool) -> Head {
    let precision = PRECISIONS[bits.take(2) as usize];
    let (tick_us, position_m, linear_m_s, angular_rad_s, n, ratio_bits) = precision;
    let mut of_followers = |width: u32| {
        if has_followers {
            bits.take(width) as u32
        } else {
            0
        }
    };
    Head {
        tick_us,
        h: linear_m_s * tick_us as f64 / 1e6 / position_m / 2.0,
        g: angular_rad_s * tick_us as f64 / 1e6 / 4.0,
        n,
        ratio_bits,
        models: [2, 2, 1, 1].map(&mut of_followers),
        interval_codes: [4, 4].map(&mut of_followers),
        codes: [4; 4].map(&mut of_followers),
        widths: [5; 3].map(|width| bits.take(width) as u32),
    }
}

fn interval(bits: &mut Bits<'_>, head: &Head) -> u64 {
    let [further, rest] = head.interval_codes;
    let further = if further == 0 {
        0
    } else {
        bits.rice(further - 1)
    };
    let rest = if rest == 0 {
        0
    } else {
        bits.signed_rice(rest - 1)
    };
    let ticks = (further + 1) * 1000 / head.tick_us as i64 + rest;
    u64::try_from(ticks).unwrap()
}

fn whole(bits: &mut Bits<'_>, head: &Head, sample: &mut Sample) {
    let [position, linear, angular] = head.widths;
    sample.position = bits.vector(|bits| bits.signed(position));
    sample.orientation = cube(bits, head.n, head.ratio_bits);
    sample.linear = bits.vector(|bits| bits.signed(linear));
    sample.angular = bits.vector(|bits| bits.signed(angular));
}

/// Returns what the next sample goes on from.
fn follow(
    bits: &mut Bits<'_>,
    head: &Head,
    t: f64,
    (from, rates): (&Sample, &mut [DVec3; 4]),
    now: &mut Sample,
) -> Sample {
    let [l, a, m, o] = head.codes.map(|code| bits.residuals(code));
    let steady = |rate: &mut DVec3, model: u32, residual: DVec3| {
        let way = *rate * t;
        *rate += f64::from(model) * residual / t.max(1.0);
        way
    };
    let [
        position_model,
        orientation_model,
        linear_model,
        angular_model,
    ] = head.models;
    now.linear = from.linear + steady(&mut rates[0], linear_model, l) + l;
    now.angular = from.angular + steady(&mut rates[1], angular_model, a) + a;
    let way = match position_model {
        2 => (from.linear + now.linear) * head.h * t,
        model => steady(&mut rates[2], model, m),
    };
    let turn = match orientation_model {
        2 => (from.angular + now.angular) * head.g * t,
        model => steady(&mut rates[3], model, o) / head.n as f64,
    };
    let (e, o) = (from.position + way, o / head.n as f64);
    let turned_e = turned(from.orientation, turn * (1.0 + turn.length_squared() / 3.0));
    (now.position, now.orientation) = (e + m, turned(turned_e, o));
    let mut next_from = *now;
    if position_model == 2 {
        next_from.position = e + m / 2.0;
    }
    if orientation_model == 2 {
        next_from.orientation = turned(turned_e, o / 2.0);
    }
    next_from
}

fn marks(bits: &mut Bits<'_>, is_first: bool, sample: &mut Sample) -> bool {
    sample.is_jump = false;
    if !bits.flag() {
        return is_first;
    }
    let is_whole = is_first || bits.flag();
    sample.is_jump = is_whole && bits.flag();
    for (control, width) in sample.controls.iter_mut().zip([16, 8, 8, 16]) {
        if bits.flag() {
            *control = bits.take(width);
        }
    }
    is_whole
}

fn cube(bits: &mut Bits<'_>, n: i64, ratio_bits: u32) -> DQuat {
    let largest = bits.take(2) as usize;
    let mut number = bits.take(ratio_bits) as i64;
    let mut components = [1.0; 4];
    for place in (0..4).filter(|place| *place != largest) {
        components[place] = (number % (2 * n + 1) - n) as f64 / n as f64;
        number /= 2 * n + 1;
    }
    DQuat::from_array(components).normalize()
}

fn turned(orientation: DQuat, r: DVec3) -> DQuat {
    (DQuat::from_xyzw(r.x, r.y, r.z, 1.0) * orientation).normalize()
}

proptest! {
    #[test]
    fn a_reader_written_from_the_page_reads_what_the_real_one_reads(
        motion in prop::sample::select(&MOVING[..]),
        begin in 0.0..10.0,
        count in 1..=MAX_BATCH_FRAMES,
        step in 1..9_usize,
        (is_noisy, has_velocities, has_jumps) in any::<(bool, bool, bool)>(),
        code in 0..3_usize,
    ) {
        let precision = [Precision::Exact, Precision::Fine, Precision::Coarse][code];
        let sent_at = Micros::from_secs(1_000_001);
        let mut frames = motion.samples(begin, count * step, Micros::from_secs(1_000_000));
        if is_noisy {
            motion::add_noise(&mut frames);
        }
        for (place, frame) in frames.iter_mut().enumerate() {
            frame.controls.buttons = (place / 16) as u16;
            frame.controls.stick = [(place / 24) as f32 / 24.0, -0.5];
            frame.is_jump = has_jumps && place % 30 == 20;
            if !has_velocities {
                (frame.linear_velocity, frame.angular_velocity) = Default::default();
            }
        }
        let frames: Vec<_> = frames.into_iter().step_by(step).collect();
        let mut bytes = Vec::new();
        encode_batch(&frames, precision, sent_at, &mut bytes);
        let (tick_us, position_m, linear_m_s, angular_rad_s, ..) = PRECISIONS[code];
        let mut read = read(&bytes, sent_at.0).into_iter();
        decode_batch(&bytes, sent_at, |frame| {
            let sample = read.next().unwrap();
            assert_eq!(frame.sampled_at.0, sample.tick * tick_us);
            assert!((sample.position * position_m).abs_diff_eq(frame.position.into(), 1e-6));
            assert!(sample.orientation.abs_diff_eq(frame.orientation.as_dquat(), 1e-6));
            assert!((sample.linear * linear_m_s).abs_diff_eq(frame.linear_velocity.into(), 1e-5));
            let angular = sample.angular * angular_rad_s;
            assert!(angular.abs_diff_eq(frame.angular_velocity.into(), 1e-5));
            assert_eq!(frame.is_jump, sample.is_jump);
            let [buttons, .., stick] = sample.controls;
            assert_eq!(u64::from(frame.controls.buttons), buttons);
            assert_eq!((frame.controls.stick[0] * 127.0).round() as u64, stick & 0xff);
        }).unwrap();
        prop_assert!(read.next().is_none());
    }
}
