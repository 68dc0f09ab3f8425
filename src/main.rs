//! The `sym` binary: parses the command line and runs.

use std::process::ExitCode;

fn main() -> ExitCode {
    sym::cli::main()
}
