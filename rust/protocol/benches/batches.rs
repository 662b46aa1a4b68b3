//! What a batch costs: the time to write and to read a sample, of each motion and in batches of several sizes.
//!
//! Usage: `cargo bench -p synced-protocol --bench batches`

#![expect(clippy::unwrap_used, reason = "so a benchmark fails")]

#[path = "../tests/trajectory/motion.rs"]
mod motion;

use std::hint::black_box;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use motion::{MOVING, Motion, REST, add_noise};
use synced_protocol::{
    input::{Precision, decode_batch, encode_batch},
    time::Micros,
};

const ORIGIN: Micros = Micros::from_secs(1_000_000);
const ROOM_BYTES: usize = 2048;

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, motion: &Motion, count: usize, is_noisy: bool) {
    let mut frames = motion.samples(0.4, count, ORIGIN);
    if is_noisy {
        add_noise(&mut frames);
    }
    let sent_at = ORIGIN + Micros::from_millis(count as u64);
    let mut bytes = Vec::with_capacity(ROOM_BYTES);
    encode_batch(&frames, Precision::Fine, sent_at, &mut bytes);

    group.throughput(Throughput::Elements(count as u64));
    let name = motion.name;
    group.bench_function(format!("encode {name} {count}"), |bencher| {
        let mut out = Vec::with_capacity(ROOM_BYTES);
        bencher.iter(|| {
            out.clear();
            encode_batch(black_box(&frames), Precision::Fine, sent_at, &mut out);
        });
    });
    group.bench_function(format!("decode {name} {count}"), |bencher| {
        bencher.iter(|| {
            decode_batch(black_box(&bytes), sent_at, |frame| {
                black_box(frame);
            })
            .unwrap();
        });
    });
}

fn batches(criterion: &mut Criterion) {
    for (name, is_noisy) in [("smooth", false), ("noisy", true)] {
        let mut group = criterion.benchmark_group(name);
        for motion in MOVING.iter().chain([&REST]) {
            bench(&mut group, motion, 11, is_noisy);
        }
        for count in [4, 40, 64] {
            bench(&mut group, &MOVING[0], count, is_noisy);
        }
        group.finish();
    }
}

criterion_group!(benches, batches);
criterion_main!(benches);
