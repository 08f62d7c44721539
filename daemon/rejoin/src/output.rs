//! Listings: one table of text, printed for people, for programs or for spreadsheets.

use std::io::{self, Write};

use clap::ValueEnum;
use unicode_width::UnicodeWidthStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
}

/// Rows of text under named columns.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn print(&self, format: Format) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let printed = match format {
            Format::Table => self.aligned(&mut out),
            Format::Json => self.json(&mut out),
            Format::Csv => self.csv(&mut out),
        };
        quiet_pipe(printed.and_then(|()| out.flush()))
    }

    fn aligned(&self, out: &mut impl Write) -> io::Result<()> {
        let cells = |row: &[String], i: usize| row.get(i).map_or(0, |c| c.width());
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                self.rows.iter().map(|r| cells(r, i)).chain([self.columns[i].width()]).max().unwrap_or(0)
            })
            .collect();
        line(out, self.columns.iter().copied(), &widths)?;
        line(
            out,
            widths.iter().map(|w| "─".repeat(*w)).collect::<Vec<_>>().iter().map(String::as_str),
            &widths,
        )?;
        for row in &self.rows {
            line(out, row.iter().map(String::as_str), &widths)?;
        }
        Ok(())
    }

    fn json(&self, out: &mut impl Write) -> io::Result<()> {
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = self
            .rows
            .iter()
            .map(|row| {
                self.columns.iter().zip(row).map(|(c, v)| ((*c).to_owned(), v.as_str().into())).collect()
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)
    }

    fn csv(&self, out: &mut impl Write) -> io::Result<()> {
        csv_line(out, self.columns.iter().copied())?;
        self.rows.iter().try_for_each(|row| csv_line(out, row.iter().map(String::as_str)))
    }
}

fn line<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> io::Result<()> {
    let mut text = String::new();
    for (cell, width) in cells.zip(widths) {
        text.push_str(cell);
        // Chinese characters are two columns wide, which `{:width$}` does not know.
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
    }
    writeln!(out, "{}", text.trim_end())
}

/// One line of RFC 4180 CSV; a value a spreadsheet would run as a formula is defused with a leading apostrophe.
pub fn csv_line<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        let formula =
            cell.starts_with(['=', '@', '\t', '\r']) || (cell.starts_with(['+', '-']) && !is_number(cell));
        let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
        if cell.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// Telephone numbers and amounts begin with a sign and are no formulas.
fn is_number(cell: &str) -> bool {
    cell.chars().skip(1).all(|c| c.is_ascii_digit() || matches!(c, '.' | ' '))
}

/// Whoever reads our output may stop reading: `rejoin … | head` is no failure.
pub fn quiet_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(cells: &[&str]) -> String {
        let mut out = Vec::new();
        csv_line(&mut out, cells.iter().copied()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_spreadsheet_runs_nothing() {
        let table = [
            ("=1+1", "'=1+1\n"),
            ("@SUM(A1)", "'@SUM(A1)\n"),
            ("-2+3", "'-2+3\n"),
            ("+420 700 000 001", "+420 700 000 001\n"),
            ("-18.90", "-18.90\n"),
            ("王,伟", "\"王,伟\"\n"),
            ("say \"hi\"", "\"say \"\"hi\"\"\"\n"),
        ];
        for (cell, line) in table {
            assert_eq!(csv(&[cell]), line);
        }
    }

    #[test]
    fn columns_align_under_wide_characters() {
        let mut table = Table::new(&["name", "city"]);
        table.row(["王伟".to_owned(), "北京".to_owned()]);
        table.row(["Alice".to_owned(), "Brno".to_owned()]);
        let mut out = Vec::new();
        table.aligned(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "name   city\n─────  ────\n王伟   北京\nAlice  Brno\n");
    }
}
