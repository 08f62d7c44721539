//! Integration tests: the real binary, the real plugins, the real servers. One binary, so that it is linked once.

// Modules of a binary have no other way to share with each other than `pub`, and a test that cannot go on panics.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

/// The command line, as typed and as scripted.
mod commands;
/// kill -9 at every commit and at random moments.
mod crash;
/// The listener under friendly and hostile traffic.
mod http;
/// The main job from end to end.
mod journey;
/// Plugins that misbehave, under the real daemon.
mod plugins;
/// What the tests above are told with.
mod support;
/// The layout: imports, file length, SQL rules.
mod tidy;
