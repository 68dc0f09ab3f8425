//! The stories: the real bot, its real Slack and AWS clients, a real store, a simulated Slack and AWS
//! over loopback, and a clock that is moved by hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on has failed")]

mod architecture;
mod asking;
mod binary;
mod deciding;
mod delivery;
mod forms;
mod hostile;
mod identity;
mod refusing;
mod world;
