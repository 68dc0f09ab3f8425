//! Translates between Slack's JSON and our words, both ways; owns the socket.

pub mod api;
pub mod form;
pub mod inbound;
pub mod message;
pub mod mrkdwn;
pub mod socket;
