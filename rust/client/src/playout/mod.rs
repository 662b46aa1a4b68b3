//! What is shown between and shortly after the samples and values that others sent.
//!
//! The engine asks for a session time that lies a little in the past, by its interpolation delay, so that the neighbours of
//! that time have mostly arrived. Both buffers have a fixed capacity and allocate nothing once they are made, but for
//! values that hold memory themselves.

mod interpolate;
mod jitter_buffer;
mod value_buffer;

pub use interpolate::interpolate;
pub use jitter_buffer::{EXTRAPOLATION_MAX, HERMITE_SPAN_MAX, JitterBuffer, hermite};
pub use value_buffer::{INTERPOLATION_SPAN_MAX, ValueBuffer};
