//! A look at a library's file before it is loaded, because loading runs its constructors.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const OTHERS_MAY_WRITE: u32 = 0o002;
const ELF_MAGIC: [u8; 4] = *b"\x7fELF";
const ELF_64: u8 = 2;
const ELF_LITTLE: u8 = 1;
const ELF_SHARED: u16 = 3;

/// `e_machine` of the processors we know by name.
const MACHINES: [(u16, &str); 6] =
    [(3, "x86"), (40, "arm"), (62, "x86_64"), (183, "aarch64"), (243, "riscv64"), (258, "loongarch64")];

/// The error completes the sentence "was refused: …".
pub(super) fn inspect(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|e| format!("{shown} cannot be read: {e}"))?;
    if !meta.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    if meta.permissions().mode() & OTHERS_MAY_WRITE != 0 {
        return Err(format!("{shown} may be written by everybody on this machine; chmod o-w it"));
    }
    let mut header = [0; 20];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .map_err(|e| format!("{shown} is not a shared library ({e})"))?;
    inspect_header(&header).map_err(|why| format!("{shown} {why}"))
}

fn inspect_header(header: &[u8; 20]) -> Result<(), String> {
    if header[..4] != ELF_MAGIC {
        return Err("is not a shared library".to_owned());
    }
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let machine = half(18);
    let name = MACHINES.iter().find(|(number, _)| *number == machine).map(|(_, name)| *name);
    if header[4] != ELF_64 || header[5] != ELF_LITTLE || name != Some(std::env::consts::ARCH) {
        let built_for = name.map_or_else(|| format!("another processor ({machine})"), str::to_owned);
        return Err(format!("is built for {built_for}, this machine is {}", std::env::consts::ARCH));
    }
    if half(16) != ELF_SHARED {
        return Err("is not a shared library, but another kind of program file".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(class: u8, kind: u8, machine: u16) -> [u8; 20] {
        let mut h = [0; 20];
        h[..4].copy_from_slice(&ELF_MAGIC);
        (h[4], h[5], h[16]) = (class, ELF_LITTLE, kind);
        h[18..].copy_from_slice(&machine.to_le_bytes());
        h
    }

    #[test]
    fn headers_are_told_apart() {
        let ours = MACHINES.iter().find(|(_, name)| *name == std::env::consts::ARCH).unwrap().0;
        let other = if ours == 183 { 62 } else { 183 };
        assert_eq!(inspect_header(&header(ELF_64, 3, ours)), Ok(()));
        for (header, expected) in [
            ([0; 20], "not a shared library"),
            (header(ELF_64, 3, other), "is built for"),
            (header(1, 3, 3), "is built for x86, this machine is"),
            (header(ELF_64, 3, 9999), "another processor (9999)"),
            (header(ELF_64, 1, ours), "another kind of program"),
        ] {
            let refused = inspect_header(&header).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
