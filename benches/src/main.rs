//! `cargo xtask bench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    audit_benches::run()
}
