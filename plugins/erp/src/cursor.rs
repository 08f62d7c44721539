//! How far each table was read.
//!
//! `write_date` is taken when the ERP's transaction begins to write, and seen by others when it commits: a row may
//! appear behind a place already passed, but not later than `overlap` after its date. So what is newer than that at
//! the time of asking counts as read for now only: a lane that got there remembers the *floor*, the oldest such time,
//! and once it has caught up, the next look begins there again.

use rejoin_plugin_api::{Error, ErrorClass};
use serde::{Deserialize, Serialize};

use crate::wire::Stamp;

const VERSION: u32 = 1;

/// A place in a table ordered by time of change, then id: microseconds, id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place(pub(crate) i64, pub(crate) i64);

/// How far one table was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// Everything up to and with this place; nothing when unset.
    pub(crate) after: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
}

impl Lane {
    /// Everything older than `time` counts as read.
    pub(crate) fn from(time: Stamp) -> Self {
        Self { after: Some(Place(time.0, 0)), floor: None }
    }

    /// Goes on to `place`, asked for when everything up to `settled` was certain to be there.
    pub(crate) fn pass(&mut self, place: Place, settled: Stamp) {
        self.after = Some(place);
        if place.0 > settled.0 {
            self.floor = Some(self.floor.map_or(settled.0, |floor| floor.min(settled.0)));
        }
    }

    /// There is nothing more for now.
    pub(crate) fn rest(&mut self) {
        if let (Some(after), Some(floor)) = (self.after, self.floor.take()) {
            self.after = Some(after.min(Place(floor, 0)));
        }
    }
}

/// One stream's cursor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Changes { v: u32, lanes: Vec<Lane> },
    Sweep { v: u32, after: i64 },
}

/// The lanes of a cursor; `None` at the very beginning.
pub(crate) fn lanes(text: Option<&str>, count: usize) -> Result<Option<Vec<Lane>>, Error> {
    match text.map(parse).transpose()? {
        None => Ok(None),
        Some(Written::Changes { v: VERSION, lanes }) if lanes.len() == count => Ok(Some(lanes)),
        Some(_) => Err(invalid("it is of another kind or version")),
    }
}

pub(crate) fn from_lanes(lanes: &[Lane]) -> Result<String, Error> {
    write(&Written::Changes { v: VERSION, lanes: lanes.to_vec() })
}

/// The last id that a sweep gave.
pub(crate) fn sweep(text: Option<&str>) -> Result<i64, Error> {
    match text.map(parse).transpose()? {
        None => Ok(0),
        Some(Written::Sweep { v: VERSION, after }) => Ok(after),
        Some(_) => Err(invalid("it is of another kind or version")),
    }
}

pub(crate) fn from_sweep(after: i64) -> Result<String, Error> {
    write(&Written::Sweep { v: VERSION, after })
}

fn parse(text: &str) -> Result<Written, Error> {
    serde_json::from_str(text).map_err(|e| invalid(&e.to_string()))
}

fn write(written: &Written) -> Result<String, Error> {
    serde_json::to_string(written).map_err(|e| Error::permanent(format!("the cursor cannot be written: {e}")))
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorClass::CursorInvalid, format!("the cursor is not one this plugin wrote: {why}"))
}
