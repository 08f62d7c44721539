//! Encodings and delimiters, found and stated.

use encoding_rs::Encoding;
use serde_json::json;

use super::{Site, take};

const CHINESE: &str = "编号,姓名,手机\n1,张伟,13800138000\n2,李娜,\n3,\"欧阳, 修\",13900139000\n";
const CZECH: &str =
    "číslo;jméno;město\n1;Jiří Dvořák;Brno\n2;Božena Němcová;Česká Skalice\n3;Žluťoučký kůň;Příbram\n";
const GERMAN: &str = "Nummer;Name;Straße\n1;Jürgen Müller;Königsallee 5\n2;Käthe Weiß;Große Straße 7\n";
const KOREAN: &str = "번호,이름,주소\n1,김철수,서울특별시 강남구 테헤란로\n2,이영희,부산광역시 해운대구\n3,박민수,대구광역시 수성구 범어동에서 온 손님입니다\n";
const TAIWANESE: &str = "編號,姓名,地址\n1,陳怡君,臺北市信義區松仁路\n2,林志明,新北市板橋區文化路\n3,黃淑芬,高雄市前鎮區中華五路\n";
const JAPANESE: &str =
    "番号,氏名,住所\n1,山田太郎,東京都千代田区丸の内にあるビル\n2,鈴木はなこ,大阪府大阪市きたく うめだ\n";

fn encode(text: &str, label: &str) -> Vec<u8> {
    let units = |big: bool| {
        let bytes = move |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    };
    match label {
        "utf-16le" => units(false),
        "utf-16be" => units(true),
        "utf-16le bom" => [vec![0xFF, 0xFE], units(false)].concat(),
        "utf-16be bom" => [vec![0xFE, 0xFF], units(true)].concat(),
        "utf-8 bom" => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        _ => {
            let (bytes, _, unmappable) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!unmappable, "{label} cannot hold {text}");
            bytes.into_owned()
        }
    }
}

#[test]
fn every_encoding_gives_the_same_rows() {
    for (text, label, said) in [
        (CHINESE, "utf-8", "UTF-8"),
        (CHINESE, "utf-8 bom", "UTF-8"),
        (CHINESE, "gbk", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "utf-16le", "UTF-16LE"),
        (CHINESE, "utf-16be", "UTF-16BE"),
        (CHINESE, "utf-16le bom", "UTF-16LE"),
        (CHINESE, "utf-16be bom", "UTF-16BE"),
        (CZECH, "utf-8", "UTF-8"),
        (CZECH, "windows-1250", "windows-1250"),
        (GERMAN, "windows-1252", "windows-1252"),
        (KOREAN, "euc-kr", "EUC-KR"),
        (TAIWANESE, "big5", "Big5"),
        (JAPANESE, "shift_jis", "Shift_JIS"),
    ] {
        let expected = Site::with("a.csv", text).read().rows;
        assert!(expected.len() >= 2);
        for text in [text.to_string(), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
            let site = Site::with("a.csv", encode(&text, label));
            let taken = site.read();
            assert_eq!(taken.rows, expected, "{label}: {}", site.log());
            assert_eq!(taken.refused, [], "{label}");
            assert!(site.log().contains(&format!("encoding {said} (")), "{label}: {}", site.log());
        }
    }
}

/// Exports with two customers in them are where statistics have the least to go on.
/// A long export whose only Chinese is its header and one word, again and again.
#[test]
fn repetition_is_no_evidence_of_another_encoding() {
    let rows: String = (0..4_000).map(|n| format!("S{n:05},K{n:05},2026-01-02,9.90,CNY,网店\r\n")).collect();
    let text = format!("订单号,客户编号,下单日期,金额,币种,备注\r\n{rows}");
    let found = crate::detect::encoding(&encode(&text, "gbk")[..crate::detect::SAMPLE_BYTES]);
    assert_eq!(found.encoding, Some(encoding_rs::GB18030), "{}", found.why);
}

#[test]
fn short_gbk_files_are_chinese() {
    for text in [
        "姓名,城市\n王芳,北京\n",
        "客户\n刘强\n",
        "name,city\nWang,上海\n",
        "姓名,备注\n赵敏,老客户喜欢咖啡\n",
    ] {
        let site = Site::with("a.csv", encode(text, "gbk"));
        assert_eq!(site.read().rows, Site::with("a.csv", text).read().rows, "{}", site.log());
    }
}

/// A long export whose first Chinese name comes late: the beginning says nothing about the encoding.
#[test]
fn the_encoding_may_show_late() {
    let mut text = "id,name\n".to_string();
    for n in 0..9000 {
        text.push_str(&format!("{n},Smith {n}\n"));
    }
    text.push_str("9000,王小明\n9001,陈静\n");
    let site = Site::with("a.csv", encode(&text, "gbk"));
    let taken = site.read();
    assert_eq!(taken.refused, []);
    assert_eq!(taken.rows[9000], json!({"id": "9000", "name": "王小明"}));
    assert!(site.log().contains("encoding ASCII (nothing but ASCII so far)"));
    assert!(site.log().contains("encoding gb18030: from line 9002 on"), "{}", site.log());
}

/// One broken line does not make a UTF-8 file something else.
#[test]
fn one_broken_line_stays_one_broken_line() {
    let site =
        Site::with("a.csv", b"id,name\n1,M\xC3\xBCller\n2,M\xFCller\n3,G\xC3\xB6del\n4,K\xC3\xA4the\n");
    let taken = site.read();
    assert_eq!(taken.rows.len(), 3);
    assert_eq!(taken.refused.len(), 1);
    let (at, reason, raw) = &taken.refused[0];
    assert_eq!(at, "a.csv:3");
    assert_eq!(reason, "line 3 holds bytes that are not UTF-8");
    assert_eq!(raw, "base64:MixN/GxsZXIK");
}

#[test]
fn delimiters() {
    for (text, said) in [
        ("a,b,c\n1,2,3\n", "comma"),
        ("a;b;c\n1,5;2,5;3\n2,5;3;4,5\n", "semicolon"),
        ("a\tb\tc\n1, 2\t3\t4\n", "tab"),
        ("a|b\n1|2\n3|4\n", "pipe"),
        ("a;b\n\"x, y, z\";1\n\"p; q\";2\n", "semicolon"),
        ("name\nx\ny\n", "one column only"),
    ] {
        let site = Site::with("a.csv", text);
        let taken = site.read();
        assert_eq!(taken.refused, [], "{text}");
        assert!(site.log().contains(said), "{text}: {}", site.log());
    }
}

#[test]
fn configuration_wins_over_guesses() {
    let site = Site::with("a.csv", encode("a^b\n中^文\n", "gbk"));
    let mut plugin = site.plugin(json!({"encoding": "gbk", "delimiter": "^"}));
    assert_eq!(take(&mut plugin, None, 9).unwrap().rows, [json!({"a": "中", "b": "文"})]);
    assert!(site.log().contains("encoding gb18030 (as configured), delimiter '^' (as configured)"));
}
