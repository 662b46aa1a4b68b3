//! One player's whole logic, without I/O.
