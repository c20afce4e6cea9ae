//! Being told to end.

use std::sync::mpsc::Sender;

use crate::exit::Failure;
use crate::record::Event;

/// Tells of SIGINT and SIGTERM from here on. The second one ends the process as if
/// nobody had listened.
#[cfg(unix)]
pub(crate) fn watch(tell: Sender<Event>) -> Result<(), Failure> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::iterator::Signals;

    let watch = || {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order, or the first one would end it.
            flag::register_conditional_default(signal, Arc::clone(&came))?;
            flag::register(signal, Arc::clone(&came))?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        thread::Builder::new().spawn(move || {
            for signal in signals.forever() {
                tell.send(Event::Signal(signal)).ok();
            }
        })
    };
    match watch() {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::could_not(format!(
            "signals can't be listened to: {error}"
        ))),
    }
}

#[cfg(not(unix))]
pub(crate) fn watch(tell: Sender<Event>) -> Result<(), Failure> {
    drop(tell);
    Ok(())
}
