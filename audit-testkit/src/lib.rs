#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod conformance;
mod destination;
mod faulty;
pub mod gate;
mod hook;
pub mod properties;
mod shared_buf;
mod sinks;
mod slow_buf;
pub mod strategies;
mod within;

pub use crate::destination::Destination;
pub use crate::faulty::{Fault, Faults, FaultyWriter};
pub use crate::gate::{Gate, GatedWriter};
pub use crate::hook::HookWriter;
pub use crate::shared_buf::SharedBuf;
pub use crate::sinks::{PanickingSink, RecordingSink};
pub use crate::slow_buf::SlowBuf;
pub use crate::within::{DEADLINE, within};
