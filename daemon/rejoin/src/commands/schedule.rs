//! `rejoin schedule next`: when a schedule fires, exactly.

use clap::Subcommand;
use rejoin_campaign::schedule::{self, Schedule};
use rejoin_model::Timestamp;

use crate::clock;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Print the next instants at which a schedule fires, one RFC 3339 instant a line
    Next {
        /// Five cron fields, for example "30 9 * * 1-5"
        expression: String,
        /// IANA time zone, for example Asia/Shanghai
        #[arg(long, default_value = "UTC")]
        zone: String,
        /// First instant looked at, RFC 3339; now when absent
        #[arg(long, value_name = "INSTANT")]
        from: Option<String>,
        /// How many
        #[arg(long, default_value_t = 5)]
        count: usize,
    },
}

pub fn schedule(command: ScheduleCommand) -> Result<(), Failure> {
    let ScheduleCommand::Next { expression, zone, from, count } = command;
    let schedule = Schedule::parse(&expression, &zone).map_err(|e| {
        let failure = Failure::new("RJ-K001", e.to_string());
        match e.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    // Firing exactly at `from` counts.
    let mut at = from.map_or_else(|| Ok(clock::now()), |text| instant(&text))?.plus_ms(-1);
    let mut lines = String::new();
    for _ in 0..count {
        let Some(next) = schedule.next_after(at) else { break };
        lines.push_str(&schedule::format(next, &zone));
        lines.push('\n');
        at = next;
    }
    print!("{lines}");
    Ok(())
}

fn instant(text: &str) -> Result<Timestamp, Failure> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text);
    let parsed = parsed.map_err(|e| {
        Failure::new("RJ-X005", format!("{text:?} is not an RFC 3339 instant: {e}"))
            .hint("for example 2026-03-28T00:00:00Z")
    })?;
    Ok(Timestamp(parsed.timestamp_millis()))
}
