//! Integration tests: the real binary, the real plugins, the real servers. One binary, so that it is linked once.

/// kill -9 at every commit and at random moments.
mod crash;
/// The main job from end to end.
mod journey;
/// What the tests above are told with.
mod support;
/// The layout: imports, file length, SQL rules.
mod tidy;
