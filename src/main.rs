//! The `linnet` program.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A page is some thousand small objects, made on one thread and often freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A huge page that holds one small object is resident whole: under load a third of all memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    linnet::cli::run(std::env::args_os())
}
