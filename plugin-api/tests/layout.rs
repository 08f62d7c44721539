//! The header, `abi.rs` and the golden file say the same layout. A released golden file never changes except by lines
//! added for a new minor: see README.md, "Versions".
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![cfg(target_pointer_width = "64")]

use std::fmt::Write as _;
use std::mem::{align_of, offset_of, size_of};
use std::path::Path;
use std::process::Command;

use rejoin_plugin_api::abi;

const GOLDEN: &str = include_str!("../layout-1.0.txt");

/// The size of a member, without a value of its type.
fn size_of_member<T, M>(_: impl Fn(&T) -> &M) -> usize {
    size_of::<M>()
}

macro_rules! layout {
    ($out:ident, $name:literal, $type:ident { $($member:ident),+ $(,)? }) => {
        writeln!($out, "struct {} size {} align {}", $name, size_of::<abi::$type>(), align_of::<abi::$type>()).unwrap();
        $(writeln!(
            $out,
            "member {}.{} at {} size {}",
            $name,
            stringify!($member),
            offset_of!(abi::$type, $member),
            size_of_member(|s: &abi::$type| &s.$member)
        ).unwrap();)+
    };
}

macro_rules! constants {
    ($out:ident, $($name:ident),+ $(,)?) => {
        $(writeln!($out, "const RJ_{} {}", stringify!($name), abi::$name).unwrap();)+
    };
}

fn rust_layout() -> String {
    let mut out = String::new();
    layout!(out, "rj_str", Str { ptr, len });
    layout!(out, "rj_buf", Buf { ptr, len, owner, release });
    layout!(out, "rj_error", RawError { struct_size, retry_after_ms, message, detail_json });
    layout!(out, "rj_batch", RawBatch { struct_size, encoding, records, data, cursor });
    layout!(
        out,
        "rj_read",
        RawRead { struct_size, max_records, max_bytes, deadline_ms, accept_encodings, flags, stream, cursor }
    );
    layout!(out, "rj_request", RawRequest { struct_size, reserved, deadline_ms, head_json, body });
    layout!(out, "rj_outcome", RawOutcome { index, outcome, remote_id, reason, retry_after_ms, flags });
    layout!(
        out,
        "rj_host",
        HostTable { struct_size, abi_major, abi_minor, ctx, get_extension, log, is_cancelled, outcome }
    );
    layout!(
        out,
        "rj_plugin",
        PluginTable {
            struct_size,
            abi_major,
            abi_minor,
            manifest_json,
            get_extension,
            validate,
            open,
            close,
            check,
            discover,
            read,
            committed,
            handle,
            send,
            write,
            cancel,
        }
    );
    constants!(out, ABI_MAJOR, ABI_MINOR, BUFFER_BYTES_MAX, CURSOR_BYTES_MAX, OK, CAUGHT_UP, MORE);
    constants!(out, E_CONFIG, E_AUTH, E_RATE_LIMITED, E_TRANSIENT, E_PERMANENT, E_CURSOR_INVALID);
    constants!(out, E_CANCELLED, E_UNSUPPORTED, E_PANIC, ENC_JSONL, READ_KEYS_ONLY);
    constants!(out, ACCEPTED, REJECTED, DEFERRED, UNKNOWN, OUTCOME_BAD_ADDRESS);
    out
}

/// A program that prints the golden's lines as a C or C++ compiler sees the header.
fn probe() -> String {
    let mut out =
        "#include \"rejoin_plugin.h\"\n#include <stdio.h>\n#ifndef __cplusplus\n#define alignof _Alignof\n#endif\n\
         int main(void) {\n"
            .to_owned();
    for line in GOLDEN.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let (kind, name) = (words[0], words[1]);
        let (format, values) = match kind {
            "struct" => ("size %zu align %zu", format!("sizeof({name}), alignof({name})")),
            "const" => ("%lld", format!("(long long){name}")),
            _ => {
                let (of, member) = name.split_once('.').unwrap();
                let size = format!("sizeof((({of} *)0)->{member})");
                ("at %zu size %zu", format!("offsetof({of}, {member}), {size}"))
            }
        };
        writeln!(out, "  printf(\"{kind} {name} {format}\\n\", {values});").unwrap();
    }
    // The entry's name as a type-checked use of the function type.
    out + "  return sizeof(rejoin_plugin_entry_fn) == sizeof(void *) && sizeof(REJOIN_PLUGIN_ENTRY) > 1 ? 0 : 1;\n}\n"
}

#[test]
fn rust_agrees_with_the_golden_file() {
    assert_eq!(rust_layout(), GOLDEN);
}

#[test]
fn the_header_agrees_with_the_golden_file_in_every_compiler_there_is() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let source = dir.join("layout-probe.c");
    std::fs::write(&source, probe()).unwrap();
    let mut asked = 0;
    for (compiler, flags) in
        [("cc", ["-std=c11", "-xc"]), ("c++", ["-std=c++17", "-xc++"]), ("clang", ["-std=c11", "-xc"])]
    {
        let program = dir.join(format!("layout-probe-{}", compiler.replace('+', "p")));
        let built = Command::new(compiler)
            .args(flags)
            .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
            .args([&include, &source])
            .arg("-o")
            .arg(&program)
            .status();
        let Ok(status) = built else { continue };
        assert!(status.success(), "{compiler} does not accept the header");
        let printed = Command::new(&program).output().unwrap();
        assert!(printed.status.success(), "{compiler}");
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), GOLDEN, "{compiler}");
        asked += 1;
    }
    assert!(asked > 0, "no C compiler found: install gcc");
}
