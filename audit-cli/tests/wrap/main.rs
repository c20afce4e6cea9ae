//! What `audit wrap` promises, by the real command.
