//! `linnet schema`: prints the SDL.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::Failure;
use crate::graphql;

pub(super) fn run() -> Result<ExitCode, Failure> {
    let sdl = graphql::sdl();
    writeln!(io::stdout(), "{}", sdl.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
