//! Multi-row writes.

/// How many rows one statement writes, and how many one transaction of a bulk writer.
pub const ROWS: usize = 500;
