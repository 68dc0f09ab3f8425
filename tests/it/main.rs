//! The stories: the real bot, its real Slack and AWS clients, a real store, a simulated Slack and AWS
//! over loopback, and a clock that is moved by hand.

#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on has failed")]
#![expect(clippy::too_many_lines, reason = "a story is told from its beginning to its end")]

mod answering;
mod architecture;
mod asking;
mod awaking;
mod binary;
mod cards;
mod channels;
mod clocks;
mod crash;
mod deciding;
mod delivery;
mod drift;
mod ending;
mod enduring;
mod failing;
mod forms;
mod holding;
mod hostile;
mod identity;
mod kills;
mod limited;
mod listening;
mod machine;
mod operating;
mod overlapping;
mod quotas;
mod reachability;
mod refusing;
mod reloading;
mod restarting;
mod rules;
mod world;
