//! `rejoin check`: everything that can be known without touching the far side; `--online` asks it, too.

use clap::Args;
use rejoin_campaign::schedule::{self, Schedule};

use super::{load, open};
use crate::cli::ConfigArg;
use crate::clock;
use crate::config::Settings;
use crate::failure::Failure;

/// Firing times shown for each schedule.
const FIRINGS: usize = 5;

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Also connect to every far side
    #[arg(long)]
    online: bool,
}

pub async fn check(args: CheckArgs) -> Result<(), Failure> {
    let (settings, _) = load(&args.config.config).await?;
    if !settings.refused.is_empty() {
        return Err(Failure::config(&settings.refused));
    }
    println!(
        "{} is fine: {} connectors, {} segments, {} campaigns",
        settings.path.display(),
        settings.connectors.len(),
        settings.segments.len(),
        settings.campaigns.len()
    );
    print_schedules(&settings)?;
    if args.online {
        let site = open(&args.config.config).await?;
        super::connector::test_all(&site, None).await?;
    }
    Ok(())
}

fn print_schedules(settings: &Settings) -> Result<(), Failure> {
    for campaign in settings.campaigns.iter().map(|c| &c.campaign) {
        let Some(expression) = &campaign.schedule else {
            println!("  campaign {}: runs by hand only", campaign.name);
            continue;
        };
        println!("  campaign {}: {expression} in {}", campaign.name, campaign.zone);
        let schedule = Schedule::parse(expression, &campaign.zone)
            .map_err(|e| Failure::new("RJ-K001", e.to_string()))?;
        let mut at = clock::now();
        for _ in 0..FIRINGS {
            let Some(next) = schedule.next_after(at) else { break };
            println!("    {}", schedule::format(next, &campaign.zone));
            at = next;
        }
    }
    Ok(())
}
