use proptest::prelude::*;

use super::*;

#[test]
fn emails() {
    // raw, address, key
    let cases = [
        (" John@Example.COM ", Some(("john@example.com", "john@example.com"))),
        ("john.smith+shop@gmail.com", Some(("john.smith+shop@gmail.com", "johnsmith@gmail.com"))),
        ("John.Smith@googlemail.com", Some(("john.smith@googlemail.com", "johnsmith@gmail.com"))),
        ("a.b+x@outlook.com", Some(("a.b+x@outlook.com", "a.b@outlook.com"))),
        ("a.b+x@firma.cz", Some(("a.b+x@firma.cz", "a.b+x@firma.cz"))),
        ("ｗａｎｇ＠ｑｑ．ｃｏｍ", Some(("wang@qq.com", "wang@qq.com"))),
        ("wang@qq。com", Some(("wang@qq.com", "wang@qq.com"))),
        ("王伟@例子.中国", Some(("王伟@例子.中国", "王伟@例子.中国"))),
        ("John Smith <john@example.com>", Some(("john@example.com", "john@example.com"))),
        ("mailto:john@example.com", Some(("john@example.com", "john@example.com"))),
        ("john@exa\u{200b}mple.com", Some(("john@example.com", "john@example.com"))),
        ("+@gmail.com", Some(("+@gmail.com", "+@gmail.com"))),
        ("john", None),
        ("john@", None),
        ("@example.com", None),
        ("john@localhost", None),
        ("john@.com", None),
        ("john@example..com", None),
        ("john..x@example.com", None),
        ("jo hn@example.com", None),
        ("a@b@c.com", None),
        ("john@1.2.3.4", None),
        ("john@example.c", None),
        ("无", None),
    ];
    for (raw, expected) in cases {
        let expected =
            expected.map(|(address, key)| Email { address: address.to_owned(), key: key.to_owned() });
        assert_eq!(email(raw), expected, "{raw}");
    }
}

#[test]
fn phones() {
    let cases = [
        ("13812345678", "CN", Some("+8613812345678")),
        ("138 1234 5678", "CN", Some("+8613812345678")),
        ("138-1234-5678", "cn", Some("+8613812345678")),
        ("１３８１２３４５６７８", "CN", Some("+8613812345678")),
        ("+86 138 1234 5678", "US", Some("+8613812345678")),
        ("＋86-13812345678", "CN", Some("+8613812345678")),
        ("008613812345678", "CN", Some("+8613812345678")),
        ("8613812345678", "CN", Some("+8613812345678")),
        ("(+86)13812345678", "CN", Some("+8613812345678")),
        ("13812345678.0", "CN", Some("+8613812345678")),
        ("13812345678 转 801", "CN", Some("+8613812345678")),
        ("010-62345678", "CN", Some("+861062345678")),
        ("0755 8234 5678", "CN", Some("+8675582345678")),
        ("+44 (0)20 7946 0958", "CN", Some("+442079460958")),
        ("+44 20 7946 0958", "CN", Some("+442079460958")),
        ("020 7946 0958", "GB", Some("+442079460958")),
        ("+420 777 123 456", "CN", Some("+420777123456")),
        ("777 123 456", "CZ", Some("+420777123456")),
        ("00420777123456", "CZ", Some("+420777123456")),
        ("(212) 736-5000", "US", Some("+12127365000")),
        ("+1 212-736-5000 ext. 12", "US", Some("+12127365000")),
        ("+49 30 901820", "CN", Some("+4930901820")),
        ("12345", "CN", None),
        ("110", "CN", None),
        ("00000000000", "CN", None),
        ("11111111111", "CN", None),
        ("12345678901", "CN", None),
        ("1.38123E+10", "CN", None),
        ("138****5678", "CN", None),
        ("john@example.com", "CN", None),
        ("n/a", "CN", None),
        ("", "CN", None),
        ("+", "CN", None),
    ];
    for (raw, region, expected) in cases {
        assert_eq!(phone(raw, region).as_deref(), expected, "{raw} in {region}");
    }
}

#[test]
fn birth_dates() {
    let cases = [
        ("1980-02-01", "CN", Some("1980-02-01")),
        ("1980-02-01T00:00:00Z", "CN", Some("1980-02-01")),
        ("1980/2/1", "CN", Some("1980-02-01")),
        ("1980年2月1日", "CN", Some("1980-02-01")),
        ("１９８０年２月１日", "CN", Some("1980-02-01")),
        ("19800201", "CN", Some("1980-02-01")),
        ("1.2.1980", "CZ", Some("1980-02-01")),
        ("1. 2. 1980", "CZ", Some("1980-02-01")),
        ("02/01/1980", "US", Some("1980-02-01")),
        ("01/02/1980 00:00", "GB", Some("1980-02-01")),
        ("02/25/1980", "GB", Some("1980-02-25")),
        ("29.2.1980", "CZ", Some("1980-02-29")),
        ("29.2.1981", "CZ", None),
        ("1980-13-01", "CN", None),
        ("01/02/80", "GB", None),
        ("1900-01-01", "CN", None),
        ("0000-00-00", "CN", None),
        ("44562", "CN", None),
        ("n/a", "CN", None),
    ];
    for (raw, region, expected) in cases {
        assert_eq!(birth_date(raw, region).as_deref(), expected, "{raw} in {region}");
    }
    for (a, b, agree) in [
        ("1980-02-01", "1980-02-01", true),
        ("1980-02-01", "1980-02-11", true),
        ("1980-02-01", "1980-01-02", true),
        ("1980-02-01", "1981-02-01", true),
        ("1980-02-01", "1981-02-02", true),
        ("1980-02-01", "1991-12-01", false),
        ("1980-02-01", "1953-02-01", true),
        ("1980-02-10", "1979-12-31", true),
        ("1980-02-10", "1981-12-31", false),
        ("1980-02-01", "1953-11-30", false),
    ] {
        assert_eq!(birth_dates_agree(a, b), agree, "{a} / {b}");
    }
}

#[test]
fn national_ids() {
    let cases = [
        ("11010519491231002X", Some("11010519491231002X")),
        ("11010519491231002x", Some("11010519491231002X")),
        ("110105194912310021", None),
        ("110105 491231 002", Some("11010519491231002X")),
        ("805101/1234", Some("8051011234")),
        ("AB123456C", Some("AB123456C")),
        ("000000", None),
        ("12345", None),
        ("unknown", None),
    ];
    for (raw, expected) in cases {
        assert_eq!(national_id(raw).as_deref(), expected, "{raw}");
    }
}

#[test]
fn a_party_gives_each_key_once_and_its_country_reads_its_phones() {
    let party = Party {
        emails: vec!["a.b@gmail.com; ab@gmail.com".to_owned(), "broken@".to_owned()],
        phones: vec!["777123456 / +420 777 123 456".to_owned()],
        external_keys: vec!["ERP: 12".to_owned(), "erp:12".to_owned(), "erp:".to_owned()],
        country: Some("CZ".to_owned()),
        ..Party::default()
    };
    let normalised = normalise(&party, &Defaults { region: "CN".to_owned() });
    let keys: Vec<String> = normalised.keys.iter().map(|key| format!("{}={}", key.kind, key.value)).collect();
    assert_eq!(keys, ["email=ab@gmail.com", "phone=+420777123456", "external=erp:12"]);
    assert_eq!(normalised.emails, ["a.b@gmail.com", "ab@gmail.com"], "one can write to either");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let party = Party {
            name: Some(text.clone()),
            emails: vec![text.clone()],
            phones: vec![text.clone()],
            external_keys: vec![text.clone()],
            national_id: Some(text.clone()),
            birth_date: Some(text),
            ..Party::default()
        };
        let defaults = Defaults { region: "CN".to_owned() };
        prop_assert_eq!(normalise(&party, &defaults), normalise(&party, &defaults));
    }

    #[test]
    fn an_e_164_number_reads_as_itself(text in "[0-9+() -]{0,20}") {
        if let Some(number) = phone(&text, "CN") {
            prop_assert_eq!(phone(&number, "US"), Some(number.clone()), "{}", number);
        }
    }

    #[test]
    fn a_normal_email_reads_as_itself(text in "[a-zA-Z0-9.+]{1,8}@(gmail|x|firma)\\.(com|cz)") {
        if let Some(once) = email(&text) {
            let key = email(&once.key).map(|twice| twice.key);
            prop_assert_eq!(key, Some(once.key.clone()));
            prop_assert_eq!(email(&once.address), Some(once));
        }
    }
}
