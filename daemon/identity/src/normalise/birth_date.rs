//! Birth dates in their common written forms to `YYYY-MM-DD`.
//!
//! It refuses impossible dates and the ones that systems write when they know none. Two-digit years are refused too:
//! a wrong century would raise a false conflict, and a birth date is only ever used to object or to show.

use super::text::squeeze;

/// What databases and spreadsheets say for "not known".
const PLACEHOLDERS: [(u32, u32, u32); 5] =
    [(1, 1, 1), (1900, 1, 1), (1899, 12, 30), (1970, 1, 1), (9999, 12, 31)];

/// Reads `1980-02-01`, `1980/2/1`, `1980年2月1日`, `19800201`, `1.2.1980`, `01/02/1980` (day first, except in the
/// United States), each with an optional time behind.
pub fn birth_date(raw: &str, region: &str) -> Option<String> {
    let text = squeeze(raw);
    let date = text.split(['t', ' ']).next().unwrap_or_default();
    // `1. 2. 1980` and `1980年 2月` have spaces inside.
    let date = if date.ends_with(['.', '年', '月', '/']) { text.as_str() } else { date };
    let parts: Vec<&str> = date.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).collect();
    let numbers: Vec<u32> = parts.iter().filter_map(|p| p.parse().ok()).collect();
    let (year, month, day) = match (parts.as_slice(), numbers.as_slice()) {
        ([whole], _) if whole.len() == 8 => compact(whole)?,
        ([year, _, _, ..], &[y, m, d, ..]) if year.len() == 4 => (y, m, d),
        ([_, _, year, ..], &[first, second, y, ..]) if year.len() == 4 => {
            let month_first = second > 12 || (region.eq_ignore_ascii_case("US") && first <= 12);
            if month_first { (y, first, second) } else { (y, second, first) }
        }
        _ => return None,
    };
    let sane = day >= 1 && day <= days_of(year, month)? && !PLACEHOLDERS.contains(&(year, month, day));
    sane.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Digits that may differ before two dates are two people's. Random dates of adults differ in four or five.
const SLIPS_MAX: usize = 2;
/// Nobody is born this soon after a brother or sister, except twins, on the same day.
const SIBLING_DAYS_MIN: i64 = 250;

/// Whether two normalised dates may be one person's: equal, a slip or two of the pen apart (one part or two digits
/// differ), with day and month swapped, or too close for siblings.
///
/// Dates only ever object, and only to records that share a key and whose names get on: what they must tell apart is
/// parent from child and one sibling from another.
pub fn birth_dates_agree(a: &str, b: &str) -> bool {
    let digits = a.bytes().zip(b.bytes()).filter(|(x, y)| x != y).count();
    if digits <= SLIPS_MAX {
        return true;
    }
    let (Some([ay, am, ad]), Some([by, bm, bd])) = (parts(a), parts(b)) else {
        return false;
    };
    // Months of 30.6 days and years of 365.25 are exact enough to tell siblings.
    let days = |y: i64, m: i64, d: i64| (y * 36_525 + m * 3_060 + d * 100) / 100;
    let differing = usize::from(ay != by) + usize::from(am != bm) + usize::from(ad != bd);
    let swapped = ay == by && am == bd && ad == bm;
    differing <= 1 || swapped || (days(ay, am, ad) - days(by, bm, bd)).abs() < SIBLING_DAYS_MIN
}

fn parts(date: &str) -> Option<[i64; 3]> {
    let mut parts = date.split('-').map(str::parse);
    Some([parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?])
}

fn compact(digits: &str) -> Option<(u32, u32, u32)> {
    Some((digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?))
}

fn days_of(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    Some(match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    })
}
