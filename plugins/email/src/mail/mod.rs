//! From the bytes of one mail to one row of plain fields. Pure: no clock, no network, and the same bytes always give
//! the same row. It says what a mail *is* (a reply, a bounce, a complaint, an answering machine); what follows from
//! that is the mapping's business.

mod auto;
mod optout;
mod quote;
mod report;
mod row;

pub(crate) use row::Row;
