//! Integration tests. One binary, so that it is built and linked once.

/// The layout: imports, file length, SQL rules.
mod tidy;
