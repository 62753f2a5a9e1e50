//! The `linnet` program.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A page is some thousand small objects, made on one thread and often freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    linnet::cli::run(std::env::args_os())
}
