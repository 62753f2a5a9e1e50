//! The `linnet` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    linnet::cli::run(std::env::args_os())
}
