//! Rows per second of one thread: ten columns, UTF-8 and GB18030, in the batches the host asks for.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]

use std::time::Instant;

use rejoin_csv::{Config, Csv};
use rejoin_plugin_api::{Batch, Host, Plugin, Progress, ReadRequest, Source};

const ROWS: usize = 1_000_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "id,姓名,邮箱,手机,城市,地址,生日,等级,金额,备注\n".to_string();
    for n in 0..ROWS {
        let line = format!(
            "{n},王小明{n},user{n}@example.com,138{n:08},杭州,\"西湖区文三路 {n} 号, 3 楼\",1990-01-02,VIP,{n}.50,老客户\n"
        );
        text.push_str(&line);
    }
    for label in ["utf-8", "gb18030"] {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, encoding.encode(&text).0).unwrap();
        let config: Config =
            serde_json::from_value(serde_json::json!({ "paths": [path], "key": ["id"] })).unwrap();
        let mut plugin = Csv::open(config, Host::detached()).unwrap();
        let (begun, mut cursor, mut rows) = (Instant::now(), None, 0);
        loop {
            let mut batch = Batch::new(5_000, 4 << 20);
            let request = ReadRequest {
                stream: "rows".into(),
                cursor,
                max_records: 5_000,
                max_bytes: 4 << 20,
                keys_only: false,
            };
            let progress = plugin.read(&request, &mut batch).unwrap();
            let (_, records, next) = batch.into_parts();
            (rows, cursor) = (rows + records, next);
            if progress == Progress::CaughtUp {
                break;
            }
        }
        let rate = rows as f64 / begun.elapsed().as_secs_f64();
        println!("{label}: {rows} rows, {rate:.0} rows/s");
    }
}
