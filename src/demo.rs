//! `sym demo`: the real bot against a simulated Slack and a simulated AWS, on loopback.

mod stage;

pub use stage::{Player, Stage};
