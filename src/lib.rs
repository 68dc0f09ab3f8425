//! Sym: a self-hosted Slack bot for temporary AWS access that always ends on time.
//!
//! # The map
//!
//! People decide an **access request**; the machine keeps an **entitlement**: one pair of principal and
//! resource that AWS may hold. An approved request puts a **claim** on an entitlement, and access
//! exists exactly while a live claim exists.
//!
//! | room | its one sentence |
//! | --- | --- |
//! | [`access`] | Decides what happens to requests and entitlements and what is owed on their account. Pure. |
//! | [`policy`] | Says who may ask for what, for how long, and who may decide; explains why. Pure. |
//! | [`manifest`] | Turns HCL text into a catalog of flows, or into all complaints at once, each with its place. |
//! | [`store`] | Keeps requests, entitlements, due entries, notices and audit records: all or nothing, on disk when it returns. |
//! | [`slack`] | Translates between Slack's JSON and our words, both ways; owns the socket. |
//! | [`aws`] | Looks, grants and revokes; repeatable; says *revoked* only when it has seen the access gone. |
//! | [`engine`] | Applies events one at a time and does what is due; compares AWS with the books. The only room where adapters meet. |
//! | [`rehearsal`] | Plays requests through against the rules, without Slack, AWS or a running bot. |
//! | [`bot`] | Puts the parts together. |
//! | [`admin`] | What an operator does at the machine the bot runs on, over a socket in its data folder. |
//! | [`http`], [`readiness`] | Health, and what is missing before the bot is ready. |
//! | [`cli`], [`config`], [`clock`], [`telemetry`] | The command line, the settings, the time, the logs. |
//! | `sandbox` | A simulated Slack and a simulated AWS, strict and with faults. Uses nothing of the bot. |
//! | `fuzzing` | What no bytes may break; only in tests and under `cargo fuzz`. |
//! | `demo` | The real bot on a stage made of the sandbox. |
//!
//! ```text
//!  Slack ─► slack ─► engine ─► access::decide ─► store (one batch, flushed) ─► then, and only then:
//!                      ▲                                                        acknowledgement, AWS,
//!                      └── what is owed is read off the books ◄─────────────────  messages
//! ```
//!
//! The eight laws are in `access/laws.rs`, as tests.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::too_many_lines,
        clippy::items_after_statements,
        clippy::match_same_arms,
        clippy::unnecessary_get_then_check,
        clippy::format_push_string,
        reason = "a test that cannot go on has failed, and tells its story in one go"
    )
)]

pub mod access;
pub mod admin;
pub mod aws;
pub mod bot;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "sandbox")]
pub mod demo;
pub mod engine;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod manifest;
pub mod policy;
pub mod readiness;
pub mod rehearsal;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod slack;
pub mod store;
pub mod telemetry;
