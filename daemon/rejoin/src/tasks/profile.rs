//! Profile: customers whose activities or links changed → profiles.

use std::time::Duration;

use rejoin_insight::Breakpoints;
use rejoin_model::Timestamp;
use rejoin_model::time::DAY_MS;
use tokio::time::Instant;

use super::{Step, Task, TaskError};
use crate::clock;
use crate::site::Site;

const BATCH: usize = 2_000;
/// The RFM cuts are taken from at most this many customers.
const SAMPLE: usize = 20_000;
/// How long the cuts are good for, and how often profiles older than a day are looked for.
const CUTS_GOOD_FOR: Duration = Duration::from_secs(600);

#[derive(Default)]
pub struct ProfileTask {
    cuts: Option<(Instant, Breakpoints)>,
}

impl Task for ProfileTask {
    fn name(&self) -> String {
        "profile".to_owned()
    }

    async fn step(&mut self, site: &Site) -> Result<Step, TaskError> {
        let now = clock::now();
        let stale = site.store.stale_profiles(BATCH).await?;
        if stale.is_empty() {
            // Recency moves with the calendar, not only with events.
            if self.cuts.as_ref().is_none_or(|(at, _)| at.elapsed() > CUTS_GOOD_FOR) {
                self.refresh(site).await?;
                site.store.mark_profiles_older_than(now.plus_ms(-DAY_MS)).await?;
            }
            return Ok(Step::IDLE);
        }
        if self.cuts.as_ref().is_none_or(|(at, _)| at.elapsed() > CUTS_GOOD_FOR) {
            self.refresh(site).await?;
        }
        let Some((_, cuts)) = &self.cuts else {
            return Ok(Step::IDLE);
        };
        let zone = site.settings().site.zone;
        let day_of = |at: Timestamp| day_in(zone, at);
        let profiles: Vec<_> = stale
            .iter()
            .map(|facts| (facts.customer, rejoin_insight::profile_in(&facts.activities, cuts, now, &day_of)))
            .collect();
        let did = profiles.len() as u64;
        site.store.apply_profiles(profiles, now).await?;
        site.wake.plan.notify_one();
        Ok(Step::Worked(did))
    }
}

/// The calendar day of an instant in the site's zone, as days since 1970-01-01.
fn day_in(zone: chrono_tz::Tz, at: Timestamp) -> i64 {
    use chrono::Offset;
    let instant = chrono::DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    let offset_s = i64::from(instant.with_timezone(&zone).offset().fix().local_minus_utc());
    at.plus_ms(offset_s * 1_000).0.div_euclid(DAY_MS)
}

impl ProfileTask {
    async fn refresh(&mut self, site: &Site) -> Result<(), TaskError> {
        let sample = site.store.rfm_sample(SAMPLE).await?;
        self.cuts = Some((Instant::now(), rejoin_insight::breakpoints(&sample, clock::now())));
        Ok(())
    }
}
