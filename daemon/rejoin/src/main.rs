//! `rejoin`: parse, dispatch, exit code. The plugin host comes first, before anything of the daemon is set up.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == rejoin_connector::HOST_COMMAND) {
        return rejoin_connector::child_main(args);
    }
    rejoin::cli::main()
}
