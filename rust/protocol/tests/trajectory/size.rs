//! What a batch takes, keyframe and all.

use synced_protocol::{
    input::{InputFrame, Precision, encode_batch},
    time::Micros,
};

use crate::motion::{self, DRUM, MOVING, Motion, REST};

const ORIGIN: Micros = Micros::from_secs(1_000_000);
const SAMPLES: usize = 1_500;

/// Over a second and a half of a motion, in batches of so many samples.
fn bits_a_sample(samples: &[InputFrame], count: usize, precision: Precision) -> f64 {
    let mut bytes = Vec::new();
    let batches = samples.chunks_exact(count);
    let sum: usize = batches
        .clone()
        .map(|batch| {
            bytes.clear();
            let newest = batch.last().unwrap().sampled_at;
            encode_batch(batch, precision, newest + Micros(400), &mut bytes);
            8 * bytes.len()
        })
        .sum();
    sum as f64 / (batches.len() * count) as f64
}

fn smooth(motion: &Motion) -> Vec<InputFrame> {
    motion.samples(0.0, SAMPLES, ORIGIN)
}

fn noisy(motion: &Motion) -> Vec<InputFrame> {
    let mut samples = smooth(motion);
    motion::add_noise(&mut samples);
    samples
}

/// One in `step` samples, as they are left when the rest says nothing new.
fn thinned(samples: Vec<InputFrame>, step: usize) -> Vec<InputFrame> {
    samples.into_iter().step_by(step).collect()
}

#[test]
fn a_moving_hand_takes_at_most_68_bits_a_sample_in_fours_and_36_in_elevens() {
    for motion in MOVING {
        let samples = smooth(&motion);
        let [fours, elevens, forties] =
            [4, 11, 40].map(|count| bits_a_sample(&samples, count, Precision::Fine));
        println!("{:8} {fours:.1} {elevens:.1} {forties:.1}", motion.name);
        assert!(fours <= 68.0, "{}: {fours}", motion.name);
        assert!(elevens <= 36.0, "{}: {elevens}", motion.name);
        assert!(forties <= 24.0, "{}: {forties}", motion.name);
    }
}

#[test]
fn a_sensors_noise_takes_at_most_22_bits_more() {
    for motion in MOVING {
        let [smooth, noisy] = [smooth(&motion), noisy(&motion)];
        for count in [4, 11, 40] {
            let [quiet, loud] =
                [&smooth, &noisy].map(|samples| bits_a_sample(samples, count, Precision::Fine));
            println!("{:8} in {count}: {quiet:.1}, noisy {loud:.1}", motion.name);
            assert!(loud <= quiet + 22.0, "{}: {loud}", motion.name);
        }
    }
}

#[test]
fn of_a_hand_at_rest_little_is_written_but_when() {
    let elevens = bits_a_sample(&smooth(&REST), 11, Precision::Fine);
    assert!(elevens <= 20.0, "{elevens}");
}

#[test]
fn a_sample_four_times_as_far_from_the_last_one_takes_at_most_18_bits_more() {
    for motion in MOVING {
        let samples = smooth(&motion);
        let each = bits_a_sample(&samples, 11, Precision::Fine);
        let one_in_four = bits_a_sample(&thinned(samples, 4), 11, Precision::Fine);
        println!("{:8} {each:.1}, one in four {one_in_four:.1}", motion.name);
        assert!(one_in_four <= each + 18.0, "{}: {one_in_four}", motion.name);
    }
}

#[test]
fn a_hand_without_velocities_takes_hardly_more_than_one_with_them() {
    for motion in MOVING {
        let mut samples = smooth(&motion);
        let told = bits_a_sample(&samples, 11, Precision::Fine);
        for sample in &mut samples {
            sample.linear_velocity = Default::default();
            sample.angular_velocity = Default::default();
        }
        let untold = bits_a_sample(&samples, 11, Precision::Fine);
        println!(
            "{:8} {told:.1}, without velocities {untold:.1}",
            motion.name
        );
        assert!(untold <= told + 2.0, "{}: {untold}", motion.name);
    }
}

#[test]
fn coarse_takes_less_than_fine_and_exact_takes_more() {
    for motion in MOVING {
        let samples = smooth(&motion);
        let [exact, fine, coarse] = [Precision::Exact, Precision::Fine, Precision::Coarse]
            .map(|precision| bits_a_sample(&samples, 11, precision));
        println!("{:8} {exact:.1} {fine:.1} {coarse:.1}", motion.name);
        assert!(coarse + 5.0 < fine && fine + 5.0 < exact, "{}", motion.name);
    }
}

#[test]
fn a_jump_costs_no_more_than_another_keyframe() {
    let samples = smooth(&DRUM);
    let mut jumping = samples[..11].to_vec();
    for sample in &mut jumping[6..] {
        sample.position.x += 3.0;
    }
    let steady = bits_a_sample(&samples[..11], 11, Precision::Fine);
    for is_jump in [true, false] {
        jumping[6].is_jump = is_jump;
        let jumped = bits_a_sample(&jumping, 11, Precision::Fine);
        assert!(11.0 * (jumped - steady) <= 200.0, "{jumped} {steady}");
    }
}
