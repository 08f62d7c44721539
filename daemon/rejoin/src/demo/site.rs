//! The demo's site: the configuration a person would write for it, and where its messages land.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// The campaigns the demo runs, in order.
pub const CAMPAIGNS: [&str; 2] = ["care", "winback"];

/// The files of the site, by their place in its folder. `{port}` is filled in.
const FILES: [(&str, &str); 3] = [
    ("rejoin.toml", include_str!("site/rejoin.toml")),
    ("segments/demo.toml", include_str!("site/segments.toml")),
    ("campaigns/demo.toml", include_str!("site/campaigns.toml")),
];

/// Writes the configuration into `dir`, listening on a port that is free now.
pub fn write(dir: &Path) -> io::Result<()> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    for (place, text) in FILES {
        let file = dir.join(place);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, text.replace("{port}", &port.to_string()))?;
    }
    Ok(())
}

/// Where the demo's mail is delivered.
pub fn maildir(dir: &Path) -> PathBuf {
    dir.join("maildir")
}

/// Every delivered message, in order of name.
pub fn delivered(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![maildir(dir)];
    while let Some(folder) = folders.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.parent().is_some_and(|p| p.ends_with("new")) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
