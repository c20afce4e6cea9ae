//! What the fuzz targets do with an input, each a function that panics when what it
//! looks for is not so. libFuzzer calls them by `fuzz_targets/`, and `tests/replay.rs`
//! with what is kept in `corpus/`.

mod dir;
mod events;
mod expand;
mod head_file;
mod lines;
mod logs;
mod mutate;
mod python;

pub mod differential;
pub mod encoder;
pub mod reader;
pub mod recovery;
pub mod verifier;
pub mod wrap_target;

// `audit wrap` without what starts a server. The command is a binary, and what is in it
// is nobody's interface; so its modules are compiled here as they are, under the paths
// by which they know each other.
#[path = "../../audit-cli/src/ids.rs"]
mod ids;
#[path = "../../audit-cli/src/wrap"]
#[allow(dead_code, reason = "the command uses the rest")]
mod wrap {
    pub(crate) mod calls;
    pub(crate) mod outcome;
    mod redact;
    pub(crate) mod scan;
}
