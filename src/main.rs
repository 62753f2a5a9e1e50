//! The `linnet` program.

fn main() {}
