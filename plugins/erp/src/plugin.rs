//! The connector: lists what changed, reads those records in one call a page, and gives them.

use std::collections::{HashMap, HashSet};

use rejoin_plugin_api::{Batch, Diagnostic, Error, ErrorClass, Host, Plugin, Progress, ReadRequest, Source};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::config::{self, Config, Settings};
use crate::cursor::{self, Lane};
use crate::lane::{self, Change, Table};
use crate::rpc::Client;
use crate::{parties, sales};

pub struct Erp {
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    host: Host,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Parties,
    Sales,
}

impl Stream {
    fn named(name: &str) -> Result<Self, Error> {
        match name {
            "parties" => Ok(Self::Parties),
            "sales" => Ok(Self::Sales),
            _ => {
                let message = format!("there is no stream {name:?}; there are \"parties\" and \"sales\"");
                Err(Error::new(ErrorClass::Unsupported, message))
            }
        }
    }

    /// The record's own table first.
    fn tables(self) -> &'static [Table] {
        match self {
            Self::Parties => parties::TABLES,
            Self::Sales => sales::TABLES,
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Parties => parties::FIELDS,
            Self::Sales => sales::FIELDS,
        }
    }

    fn key(self, id: i64) -> String {
        match self {
            Self::Parties => format!("party/{id}"),
            Self::Sales => format!("sale/{id}"),
        }
    }

    fn emit(self, id: i64, raw: &RawValue, out: &mut Batch) -> Result<(), Error> {
        let key = self.key(id);
        let written = match self {
            Self::Parties => serde_json::from_str(raw.get())
                .map(|read: parties::Read| out.upsert(&key, &parties::Party::from(read))),
            Self::Sales => serde_json::from_str(raw.get())
                .map(|read: sales::Read| out.upsert(&key, &sales::Sale::from(read))),
        };
        match written {
            Ok(result) => result,
            Err(e) => out.refuse(&key, &format!("not as Tryton writes it: {e}"), raw.get().as_bytes()),
        }
    }
}

impl Plugin for Erp {
    const MANIFEST: &'static str = include_str!("../manifest.json");
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        config::findings(config)
    }

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        let settings = Settings::new(&config)?;
        let client = Client::new(&settings)?;
        Ok(Self { settings, client, host })
    }

    fn check(&mut self) -> Result<String, Error> {
        let mut count = |model: &str| -> Result<u64, Error> {
            self.client.call(&format!("model.{model}.search_count"), &[json!([]), json!(0), Value::Null])
        };
        let (parties, sales) = (count("party.party")?, count("sale.sale")?);
        Ok(format!("Tryton at {}: {parties} parties, {sales} sales", self.settings.url))
    }
}

impl Source for Erp {
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        let stream = Stream::named(&request.stream)?;
        if request.keys_only { self.sweep(stream, request, out) } else { self.changed(stream, request, out) }
    }
}

impl Erp {
    fn changed(&mut self, stream: Stream, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        let mut lanes = self.lanes(stream, request.cursor.as_deref())?;
        let mut progress = Progress::More;
        while progress == Progress::More && !out.is_full() && !self.host.is_cancelled() {
            progress = self.step(stream, request, &mut lanes, out)?;
        }
        if progress == Progress::CaughtUp {
            lanes.iter_mut().for_each(Lane::rest);
        }
        out.set_cursor(cursor::from_lanes(&lanes)?);
        Ok(progress)
    }

    fn lanes(&mut self, stream: Stream, text: Option<&str>) -> Result<Vec<Lane>, Error> {
        let count = stream.tables().len();
        if let Some(lanes) = cursor::lanes(text, count)? {
            return Ok(lanes);
        }
        // The first reading gives whole records; of their parts only what changes from now on matters.
        self.client.log_in()?;
        let now = self.client.asked_at().before(self.settings.overlap);
        let mut lanes = vec![Lane::from(now); count];
        lanes[0] = Lane::default();
        Ok(lanes)
    }

    /// One page: what changed, then the records themselves, so that a record is never older than the change that
    /// led to it.
    fn step(
        &mut self,
        stream: Stream,
        request: &ReadRequest,
        lanes: &mut [Lane],
        out: &mut Batch,
    ) -> Result<Progress, Error> {
        let room = u64::from(request.max_records).saturating_sub(out.records()).max(1);
        let limit = self.settings.page.min(u32::try_from(room).unwrap_or(u32::MAX));
        let mut found = Vec::new();
        let mut progress = Progress::CaughtUp;
        for (index, table) in stream.tables().iter().enumerate() {
            let changes = lane::changes(&mut self.client, table, lanes[index].after, limit)?;
            let settled = changes.asked_at.before(self.settings.overlap);
            found.extend(changes.list.into_iter().map(|change| (index, change, settled)));
            if !changes.all {
                // Parts wait for their records: read first, most of them need not be read again.
                progress = Progress::More;
                break;
            }
        }
        let ids = wanted(found.iter().map(|(_, change, _)| change), limit as usize);
        let records = self.records(stream, &ids)?;
        let mut given = HashSet::new();
        for (index, change, settled) in found {
            if let Some(id) = change.record
                && !given.contains(&id)
            {
                if out.is_full() || !ids.contains(&id) {
                    return Ok(Progress::More);
                }
                // Gone since it was listed, or not for this user's eyes: the sweep says which keys are left.
                if let Some(raw) = records.get(&id) {
                    stream.emit(id, raw, out)?;
                }
                given.insert(id);
            }
            lanes[index].pass(change.place, settled);
        }
        Ok(progress)
    }

    fn records(&mut self, stream: Stream, ids: &[i64]) -> Result<HashMap<i64, Box<RawValue>>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let domain = json!([["id", "in", ids]]);
        let params = [domain, json!(0), Value::Null, json!([["id", "ASC"]]), json!(stream.fields())];
        let model = stream.tables()[0].model;
        let rows: Vec<Box<RawValue>> = self.client.call(&format!("model.{model}.search_read"), &params)?;
        Ok(rows.into_iter().filter_map(|raw| Some((id_of(&raw)?, raw))).collect())
    }

    fn sweep(&mut self, stream: Stream, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        let mut last = cursor::sweep(request.cursor.as_deref())?;
        let method = format!("model.{}.search", stream.tables()[0].model);
        while !out.is_full() && !self.host.is_cancelled() {
            let room = u64::from(request.max_records).saturating_sub(out.records()).max(1);
            // Ids are small: ten pages of them weigh less than one of records.
            let limit = u64::from(self.settings.page).saturating_mul(10).min(room);
            let domain = json!([["id", ">", last]]);
            let params = [domain, json!(0), json!(limit), json!([["id", "ASC"]])];
            let ids: Vec<i64> = self.client.call(&method, &params)?;
            for id in &ids {
                out.exists(&stream.key(*id))?;
                last = *id;
            }
            if (ids.len() as u64) < limit {
                // The next sweep begins at the beginning, whatever the host does with this cursor.
                out.set_cursor(cursor::from_sweep(0)?);
                return Ok(Progress::CaughtUp);
            }
        }
        out.set_cursor(cursor::from_sweep(last)?);
        Ok(Progress::More)
    }
}

/// The first `limit` records that changes lead to, each once, in order.
fn wanted<'a>(changes: impl Iterator<Item = &'a Change>, limit: usize) -> Vec<i64> {
    let mut seen = HashSet::new();
    changes.filter_map(|change| change.record).filter(|id| seen.insert(*id)).take(limit).collect()
}

fn id_of(raw: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Identified {
        id: i64,
    }
    serde_json::from_str::<Identified>(raw.get()).ok().map(|found| found.id)
}
