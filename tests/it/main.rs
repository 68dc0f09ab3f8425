//! The stories: the real bot, its real Slack and AWS clients, a real store, a simulated Slack and AWS
//! over loopback, and a clock that is moved by hand.

mod asking;
mod crash;
mod ending;
mod failing;
mod holding;
mod overlapping;
mod restarting;
mod world;
