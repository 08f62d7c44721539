//! The guide's two plugins are the ones in `examples/`, and both build.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

const GUIDE: &str = include_str!("../README.md");

fn block<'a>(language: &str) -> &'a str {
    let (_, rest) = GUIDE.split_once(&format!("```{language}\n")).expect("the guide shows one");
    rest.split_once("```").unwrap().0
}

#[test]
fn the_rust_plugin_of_the_guide_is_the_example_cargo_builds() {
    assert_eq!(block("rust"), include_str!("../examples/minimal.rs"));
}

#[test]
fn the_c_plugin_of_the_guide_builds() {
    assert_eq!(block("c"), include_str!("../examples/minimal.c"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-I"])
        .arg(here.join("include"))
        .arg("-o")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("librejoin_sink.so"))
        .arg(here.join("examples/minimal.c"))
        .status()
        .expect("a C compiler is needed: install gcc");
    assert!(built.success());
}

/// Every number a plugin may answer with and every limit stands in the guide.
#[test]
fn the_guide_names_every_error_class() {
    let header = include_str!("../include/rejoin_plugin.h");
    let names =
        header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| w.starts_with("RJ_E_"));
    for name in names {
        assert!(GUIDE.contains(name), "{name}");
    }
}
