//! How many rows a second one core maps: `cargo run --release --example mapping_rate`. Six fields of a CSV row read
//! as they are, six through real expressions, and an order with a time and an amount. Time on the core is counted, so
//! that other work on the machine does not spoil the figure.

use rejoin::mapping::{ActivityMap, Expr, Map, Maps, PartyField, PartyMap, SiteDefaults, Word};
use rejoin_model::{ActivityKind, Timestamp};

const ROWS: usize = 50_000;
const ROUNDS: usize = 10;

fn main() {
    let lines = rows();
    let plain = [
        ("name", "row['姓名']"),
        ("phone", "phone"),
        ("email", "email"),
        ("city", "city"),
        ("company", "company"),
        ("language", "language"),
    ];
    let real = [
        ("name", "row['姓名']|trim"),
        ("phone", "phone|digits if phone else mobile"),
        ("email", "email|lower|trim"),
        ("city", "city ~ ', ' ~ language"),
        ("company", "company|default('none')"),
        ("language", "'zh' if city == '上海' else language"),
    ];
    let order = ActivityMap {
        kind: Word::Fixed(ActivityKind::Order),
        when: None,
        key: None,
        at: compiled("at"),
        of: None,
        amount: compiled("amount"),
        currency: None,
        text: None,
        answers: None,
    };
    measure("six plain fields", party(&plain), &lines);
    measure("six expressions", party(&real), &lines);
    measure("an order, plain", Map { activities: vec![order], ..Map::default() }, &lines);
    let guarded = Map { when: compiled("row['订单号'] is undefined"), ..party(&plain) };
    measure("six plain fields, when over row", guarded, &lines);
}

fn measure(what: &str, map: Map, lines: &[u8]) {
    let site =
        SiteDefaults { zone: chrono_tz::Asia::Shanghai, currency: "CNY".to_owned(), region: "CN".to_owned() };
    let maps = Maps { connector: "bench".into(), site, maps: vec![map] };
    let began_ns = on_core_ns();
    let mut taken = 0;
    for _ in 0..ROUNDS {
        let out = maps.apply("rows", lines, Timestamp(1_774_661_400_000));
        taken += out.records.len() + out.activities.len();
    }
    assert_eq!(taken, ROWS * ROUNDS, "every row was taken");
    println!("{what}: {:.0} rows/s", taken as f64 * 1e9 / (on_core_ns() - began_ns) as f64);
}

/// Nanoseconds this thread has spent on a core, as Linux counts them.
fn on_core_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn compiled(source: &str) -> Option<Expr> {
    Expr::compile(source).ok()
}

fn party(fields: &[(&str, &str)]) -> Map {
    let fields = fields.iter().filter_map(|(name, e)| Some((PartyField::named(name)?, vec![compiled(e)?])));
    Map { party: Some(PartyMap { fields: fields.collect(), ..PartyMap::default() }), ..Map::default() }
}

fn rows() -> Vec<u8> {
    let row = |n: usize| {
        format!(
            "{{\"op\":\"u\",\"key\":\"{n}\",\"v\":{{\"会员号\":\"M{n}\",\"姓名\":\"张三{n}\",\"phone\":\"138 0013 {:04}\",\
             \"email\":\"Zhang.San{n}@example.com\",\"city\":\"上海\",\"company\":\"港湾咖啡\",\"language\":\"zh\",\
             \"at\":\"2026-03-28 09:30:00\",\"amount\":\"1,234.50\",\"note\":\"nothing to see\"}}}}\n",
            n % 10_000
        )
    };
    (0..ROWS).map(row).collect::<String>().into_bytes()
}
