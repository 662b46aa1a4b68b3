//! What is shown between and shortly after the samples and values that others sent.
//!
//! ```text
//! arrivals of a player -> PlayoutDelay -> DelaySlew -> the session time that is shown of this player
//! samples  -> Trajectory  -> Smoother      -> the controller at that time
//! values   -> ValueBuffer -> ValueSmoother -> the property at that time
//! ```
//!
//! The engine asks for a session time that lies a little in the past, so that the neighbours of that time have mostly
//! arrived. All of one player's streams are shown with one delay, so that a hand and what it holds stay together.
//!
//! Nothing here allocates once it is as large as it gets, but for values that hold memory themselves.

mod curve;
mod delay;
mod fit;
mod interpolate;
mod least_squares;
mod rotation;
mod slew;
mod smoother;
mod trajectory;
mod value_buffer;
mod value_smoother;

pub use curve::{
    Curve, EXTRAPOLATION_FULL, EXTRAPOLATION_MAX, HERMITE_SPAN_MAX, JUMP_M_MIN, SPEED_M_S_MAX,
    beyond, hermite,
};
pub use delay::{
    ARRIVALS_MAX, ARRIVALS_MIN, CALM, LATE_PART, LOOK_INTERVAL, MARGIN, PlayoutDelay, RISE_MIN,
    STALL_ONE_IN, WINDOW,
};
pub(crate) use rotation::{angle_between, turn_between};

pub use fit::{FittedVelocity, fit_velocity};
pub use interpolate::{interpolate, is_spatial};
pub use slew::{DelaySlew, SLEW_PERCENT_MAX};
pub use smoother::{SMOOTHED_M_MAX, SMOOTHING, Smoother};
pub use trajectory::{HISTORY, TRAJECTORY_SAMPLES_MAX, Trajectory};
pub use value_buffer::{INTERPOLATION_SPAN_MAX, ValueBuffer};
pub use value_smoother::{CATCH_UP, ValueSmoother};
