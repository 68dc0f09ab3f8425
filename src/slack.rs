//! Translates between Slack's JSON and our words, both ways; owns the socket.
