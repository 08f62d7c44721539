//! How a golden record becomes a row: columns for what segments ask, and one short JSON text for the rest.
//!
//! Most customers have one source record, so the sources are listed once and each value holds the place in that
//! list, left out when it is the first.

use rejoin_model::customer::Golden;
use rejoin_model::record::PartyKind;
use rejoin_model::{Customer, CustomerId, RecordId};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::rows::{from_json, to_json};

/// The columns [`customer`] reads, of a table called `c`.
pub(crate) const COLUMNS: &str = "c.customer_id, c.kind, c.name, c.company, c.email, c.phone, c.city, c.country, \
                                  c.language, c.tags, c.records, c.rest";
pub(crate) const COLUMN_COUNT: usize = 12;

/// Between, before and after the words of a tag column, so that a word is found whole by looking for it with both.
pub(crate) const TAG_MARK: char = '\u{1f}';

/// A value and the place of its source.
#[derive(Serialize, Deserialize)]
struct Part(String, #[serde(skip_serializing_if = "is_first", default)] u32);

fn is_first(place: &u32) -> bool {
    *place == 0
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Rest {
    /// Sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    s: Vec<i64>,
    /// Sources of the values that are columns: name, company, city, country, language, first e-mail, first phone.
    #[serde(skip_serializing_if = "all_first")]
    c: [u32; 7],
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postcode: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth: Option<Part>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    emails: Vec<Part>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    phones: Vec<Part>,
}

fn all_first(places: &[u32; 7]) -> bool {
    places.iter().all(is_first)
}

impl Rest {
    fn place(&mut self, from: RecordId) -> u32 {
        if let Some(place) = self.s.iter().position(|id| *id == from.0) {
            return place as u32;
        }
        self.s.push(from.0);
        (self.s.len() - 1) as u32
    }

    fn part(&mut self, golden: Option<&Golden>) -> Option<Part> {
        golden.map(|g| Part(g.value.clone(), self.place(g.from)))
    }

    fn column(&mut self, place: usize, golden: Option<&Golden>) {
        if let Some(golden) = golden {
            self.c[place] = self.place(golden.from);
        }
    }

    fn source(&self, place: u32) -> Result<RecordId, Error> {
        let id = self.s.get(place as usize).copied().map(RecordId);
        id.ok_or_else(|| Error::corrupt("a golden value names a source that is not listed"))
    }

    fn golden(&self, part: &Option<Part>) -> Result<Option<Golden>, Error> {
        let Some(Part(value, place)) = part else { return Ok(None) };
        Ok(Some(Golden { value: value.clone(), from: self.source(*place)? }))
    }

    fn of_column(&self, place: usize, value: Option<String>) -> Result<Option<Golden>, Error> {
        let Some(value) = value else { return Ok(None) };
        Ok(Some(Golden { value, from: self.source(self.c[place])? }))
    }

    /// The first value is a column; the others are here.
    fn several(&self, first: Option<Golden>, others: &[Part]) -> Result<Vec<Golden>, Error> {
        let mut all = Vec::from_iter(first);
        for Part(value, place) in others {
            all.push(Golden { value: value.clone(), from: self.source(*place)? });
        }
        Ok(all)
    }
}

/// The `rest` column of a customer.
pub(crate) fn rest(customer: &Customer) -> Result<String, Error> {
    let mut rest = Rest::default();
    let columns = [
        customer.name.as_ref(),
        customer.company.as_ref(),
        customer.city.as_ref(),
        customer.country.as_ref(),
        customer.language.as_ref(),
        customer.emails.first(),
        customer.phones.first(),
    ];
    for (place, golden) in columns.into_iter().enumerate() {
        rest.column(place, golden);
    }
    rest.given = rest.part(customer.given_name.as_ref());
    rest.family = rest.part(customer.family_name.as_ref());
    rest.street = rest.part(customer.street.as_ref());
    rest.postcode = rest.part(customer.postcode.as_ref());
    rest.zone = rest.part(customer.zone.as_ref());
    rest.birth = rest.part(customer.birth_date.as_ref());
    for golden in customer.emails.iter().skip(1) {
        let part = Part(golden.value.clone(), rest.place(golden.from));
        rest.emails.push(part);
    }
    for golden in customer.phones.iter().skip(1) {
        let part = Part(golden.value.clone(), rest.place(golden.from));
        rest.phones.push(part);
    }
    to_json(&rest)
}

/// Reads [`COLUMNS`].
pub(crate) fn customer(row: &Row<'_>) -> Result<Customer, Error> {
    let rest: Rest = from_json(row.get_ref(11)?.as_str().map_err(Error::corrupt)?)?;
    let (email, phone) = (rest.of_column(5, row.get(4)?)?, rest.of_column(6, row.get(5)?)?);
    Ok(Customer {
        id: CustomerId(row.get(0)?),
        kind: kind(row.get_ref(1)?.as_str().map_err(Error::corrupt)?)?,
        name: rest.of_column(0, row.get(2)?)?,
        given_name: rest.golden(&rest.given)?,
        family_name: rest.golden(&rest.family)?,
        company: rest.of_column(1, row.get(3)?)?,
        emails: rest.several(email, &rest.emails)?,
        phones: rest.several(phone, &rest.phones)?,
        street: rest.golden(&rest.street)?,
        city: rest.of_column(2, row.get(6)?)?,
        postcode: rest.golden(&rest.postcode)?,
        country: rest.of_column(3, row.get(7)?)?,
        language: rest.of_column(4, row.get(8)?)?,
        zone: rest.golden(&rest.zone)?,
        birth_date: rest.golden(&rest.birth)?,
        tags: row.get::<_, Option<String>>(9)?.map_or_else(Vec::new, |text| split_tags(&text)),
        records: row.get(10)?,
    })
}

pub(crate) fn kind_name(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Unknown => "unknown",
        PartyKind::Person => "person",
        PartyKind::Organisation => "organisation",
    }
}

fn kind(name: &str) -> Result<PartyKind, Error> {
    match name {
        "unknown" => Ok(PartyKind::Unknown),
        "person" => Ok(PartyKind::Person),
        "organisation" => Ok(PartyKind::Organisation),
        other => Err(Error::Corrupt(format!("{other:?} is no kind of party"))),
    }
}

/// The `tags` column: null without tags.
pub(crate) fn join_tags(tags: &[String]) -> Option<String> {
    if tags.is_empty() {
        return None;
    }
    let mut text = String::from(TAG_MARK);
    for tag in tags {
        // The mark is a control character; a tag that holds one did not come from a person.
        text.extend(tag.chars().filter(|letter| *letter != TAG_MARK));
        text.push(TAG_MARK);
    }
    Some(text)
}

fn split_tags(text: &str) -> Vec<String> {
    text.split(TAG_MARK).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}
