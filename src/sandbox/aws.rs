//! A simulated AWS on loopback: strict, stateful, scriptable.
