//! One server's whole logic, without I/O.
