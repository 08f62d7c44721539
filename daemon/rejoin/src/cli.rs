//! The command line: what may be typed, and which command answers it. No work is done here.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::failure::Failure;
use crate::output::Format;

/// Worker threads: the work is I/O and SQLite, and the store has threads of its own.
const WORKERS: usize = 2;

/// Brings a company's scattered customer records together, and writes to the right ones exactly once.
#[derive(Debug, Parser)]
#[command(
    name = "rejoin",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where the site is configured.
#[derive(Debug, Clone, Args)]
pub struct ConfigArg {
    /// The site's configuration file
    #[arg(long, short, env = "REJOIN_CONFIG", default_value = "rejoin.toml", value_name = "FILE")]
    pub config: PathBuf,
}

/// How a listing is printed.
#[derive(Debug, Clone, Args)]
pub struct FormatArg {
    /// How to print it
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon until SIGTERM
    Run(ConfigArg),
    /// Make a scratch site, run the real daemon on it and show what happens
    Demo(commands::demo::DemoArgs),
    /// Check the configuration, all findings at once
    Check(commands::check::CheckArgs),
    /// Read files through a connector's plugin and mapping, and resolve them
    Import(commands::import::ImportArgs),
    /// Write links or customers to standard output
    Export(commands::export::ExportArgs),
    /// Find, show, explain, merge and split customers
    #[command(subcommand)]
    Customer(commands::customer::CustomerCommand),
    /// Look at segments
    #[command(subcommand)]
    Segment(commands::segment::SegmentCommand),
    /// Look at campaigns and run them
    #[command(subcommand)]
    Campaign(commands::campaign::CampaignCommand),
    /// Look at schedules
    #[command(subcommand)]
    Schedule(commands::schedule::ScheduleCommand),
    /// Look at connectors, test them, read them now
    #[command(subcommand)]
    Connector(commands::connector::ConnectorCommand),
    /// Look at input that could not be taken, and take it again
    #[command(subcommand)]
    Quarantine(commands::quarantine::QuarantineCommand),
    /// Who did what, newest first
    Audit(commands::status::AuditArgs),
    /// What the daemon is doing and what waits
    Status(commands::status::StatusArgs),
    /// What an error code means and what to do about it
    Explain {
        /// For example RJ-C003; without one, every code is listed
        code: Option<String>,
    },
}

/// Runs what was typed; exit codes: 0 fine, 1 the work failed, 2 usage, 75 try again, 78 configuration.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli.command)),
        Err(error) => Err(Failure::new("RJ-X001", format!("no threads could be started: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit)
        }
    }
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => crate::run::run(&args.config).await,
        Command::Demo(args) => commands::demo::demo(args).await,
        Command::Check(args) => commands::check::check(args).await,
        Command::Import(args) => commands::import::import(args).await,
        Command::Export(args) => commands::export::export(args).await,
        Command::Customer(command) => commands::customer::customer(command).await,
        Command::Segment(command) => commands::segment::segment(command).await,
        Command::Campaign(command) => commands::campaign::campaign(command).await,
        Command::Schedule(command) => commands::schedule::schedule(command),
        Command::Connector(command) => commands::connector::connector(command).await,
        Command::Quarantine(command) => commands::quarantine::quarantine(command).await,
        Command::Audit(args) => commands::status::audit(args).await,
        Command::Status(args) => commands::status::status(args).await,
        Command::Explain { code } => commands::explain(code.as_deref()),
    }
}
