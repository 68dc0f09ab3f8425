//! All words of messages: cards, direct messages, refusals. Pure.
