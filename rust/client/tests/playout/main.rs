//! What is shown of controllers, against the truth.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fit;
mod motion;
mod smoother;
mod trajectory;
