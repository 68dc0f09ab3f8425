//! The socket-mode connection over slack-morphism's transport.
