//! The rooms that read what comes from outside, without the rest of the bot: without AWS, Slack's client
//! and TLS, so that the instrumented build takes a minute.

#![allow(warnings)]

pub mod access;
pub mod fuzzing;
pub mod manifest;
pub mod policy;
pub mod slack;
pub mod store;
