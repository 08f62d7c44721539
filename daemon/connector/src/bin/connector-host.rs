//! The plugin host alone: what `rejoin connector-host` runs, for plugin authors and tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The daemon's first argument; this program has nothing else to do.
    rejoin_connector::child_main(
        std::env::args_os().skip(1).skip_while(|a| a == rejoin_connector::HOST_COMMAND),
    )
}
