//! What the demo's systems know of its people: each a part, each in its own way, none of it clean.
//!
//! The ERP export is CSV in GBK, as Chinese ERPs write it; the mailbox an mbox export; the SMS log CSV in UTF-8 with
//! a byte order mark; the web form gets posts. Phones come with and without +86 and in full-width digits, names in
//! Hanzi or pinyin or familiar form, e-mail addresses in whatever case, and some fields are simply wrong.

use std::io;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};

use super::people::Person;
use super::random::Random;

/// How many of what was written, for the summary.
#[derive(Debug, Default)]
pub struct Written {
    pub erp: usize,
    pub orders: usize,
    pub mails: usize,
    pub texts: usize,
    pub posts: Vec<Post>,
}

/// A web-form post to be sent to the daemon.
#[derive(Debug)]
pub struct Post {
    pub content_type: &'static str,
    pub body: String,
}

/// Writes all exports below `dir` and returns the posts still to be sent.
pub fn write(
    dir: &Path,
    people: &[Person],
    today: DateTime<Utc>,
    random: &mut Random,
) -> io::Result<Written> {
    let mut written = Written::default();
    for folder in ["erp", "sms", "mailbox"] {
        std::fs::create_dir_all(dir.join(folder))?;
    }
    let (customers, orders) = erp(people, today, random, &mut written);
    std::fs::write(dir.join("erp/customers.csv"), gbk(&customers))?;
    std::fs::write(dir.join("erp/orders.csv"), gbk(&orders))?;
    std::fs::write(
        dir.join("sms/log.csv"),
        format!("\u{feff}{}", texts(people, today, random, &mut written)),
    )?;
    std::fs::write(dir.join("mailbox/inbox.mbox"), mbox(people, today, random, &mut written))?;
    written.posts = posts(people, random);
    Ok(written)
}

fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, _) = encoding_rs::GBK.encode(text);
    bytes.into_owned()
}

fn erp(
    people: &[Person],
    today: DateTime<Utc>,
    random: &mut Random,
    written: &mut Written,
) -> (String, String) {
    let mut customers = String::from("客户编号,姓名,手机,邮箱,城市,公司,语言\r\n");
    let mut orders = String::from("订单号,客户编号,下单日期,金额,币种,备注\r\n");
    for person in people.iter().filter(|_| random.chance(92)).collect::<Vec<_>>() {
        // The ERP keeps some people twice: entered again by somebody who did not find them.
        let entries = if random.chance(12) { 2 } else { 1 };
        for entry in 0..entries {
            let number = format!("K{:05}{}", person.number, if entry == 0 { "" } else { "B" });
            erp_line(&mut customers, person, &number, entry, random);
            written.erp += 1;
        }
        for (i, order) in person.orders.iter().enumerate() {
            let date = (today - Duration::days(order.days_ago)).format("%Y-%m-%d");
            let amount = format!("{}.{:02}", order.cents / 100, order.cents % 100);
            line(
                &mut orders,
                &[
                    &format!("S{:05}-{i}", person.number),
                    &format!("K{:05}", person.number),
                    &date.to_string(),
                    &amount,
                    "CNY",
                    "网店",
                ],
            );
            written.orders += 1;
        }
    }
    // What every real export has: a broken line, a line of another width, a formula, a template.
    customers.push_str("K90001,少了字段\r\n");
    line(
        &mut customers,
        &["K90002", "=HYPERLINK(\"http://x\")", "13800000000", "test@test.example", "北京", "", "zh"],
    );
    line(&mut customers, &["K90003", "{{7*7}}", "13800000000", "template@mail.example", "上海", "", "zh"]);
    written.erp += 3;
    (customers, orders)
}

fn erp_line(out: &mut String, person: &Person, number: &str, entry: usize, random: &mut Random) {
    let name = if entry == 0 { person.name() } else { person.other_name() };
    let phone = match random.below(20) {
        0 => String::new(),
        // Filled in because the field is mandatory.
        1 => "13800000000".to_owned(),
        2 | 3 => person.phone.chars().map(full_width).collect(),
        4 | 5 => format!("{}-{}-{}", &person.phone[..3], &person.phone[3..7], &person.phone[7..]),
        _ => person.phone.clone(),
    };
    let phone =
        if person.chinese || phone.is_empty() || phone.starts_with("138") { phone } else { person.e164() };
    let email = match random.below(10) {
        0 | 1 => String::new(),
        2 => person.email.to_uppercase(),
        3 if person.company.is_some() => "info@office.example".to_owned(),
        _ => person.email.clone(),
    };
    line(
        out,
        &[number, &name, &phone, &email, person.city, person.company.unwrap_or_default(), person.language()],
    );
}

fn full_width(c: char) -> char {
    c.to_digit(10).and_then(|d| char::from_u32(0xFF10 + d)).unwrap_or(c)
}

fn texts(people: &[Person], today: DateTime<Utc>, random: &mut Random, written: &mut Written) -> String {
    const SAID: [&str; 4] = ["请问有新货吗", "快递到了，谢谢", "Is the order on its way?", "什么时候发货"];
    let mut out = String::from("id,time,from,name,text\r\n");
    for person in people.iter().filter(|_| random.chance(42)).collect::<Vec<_>>() {
        let from = if random.chance(50) { person.e164() } else { person.phone.clone() };
        let from = if person.chinese { from } else { person.e164() };
        let at =
            (today - Duration::minutes(random.between(60, 400_000))).format("%Y-%m-%d %H:%M:%S").to_string();
        let name = if random.chance(30) { person.name() } else { String::new() };
        // An opt-out by text is an opt-out, wherever it turns up.
        let text = if random.chance(4) { "退订" } else { *random.pick(&SAID) };
        line(&mut out, &[&format!("T{:05}", written.texts), &at, &from, &name, text]);
        written.texts += 1;
    }
    out
}

fn mbox(people: &[Person], today: DateTime<Utc>, random: &mut Random, written: &mut Written) -> String {
    let mut out = String::new();
    for person in people {
        let complaint = person.complained.is_some();
        if !complaint && !random.chance(40) {
            continue;
        }
        let at = today - Duration::days(person.complained.unwrap_or_else(|| random.between(1, 300)));
        let name = if random.chance(60) { person.other_name() } else { person.name() };
        let (subject, text) = match (complaint, person.chinese) {
            (true, true) => ("投诉：商品破损", "收到的商品破损了，请尽快处理。"),
            (true, false) => ("Complaint: wrong item", "You sent me the wrong item and nobody answers."),
            (false, true) => ("咨询", "你好，请问这款什么时候有货？"),
            (false, false) => ("A question", "Hello, do you deliver on Saturdays?"),
        };
        let email = if random.chance(20) { person.email.to_uppercase() } else { person.email.clone() };
        mail(&mut out, &name, &email, subject, text, at, written.mails);
        written.mails += 1;
    }
    out
}

fn mail(
    out: &mut String,
    name: &str,
    email: &str,
    subject: &str,
    text: &str,
    at: DateTime<Utc>,
    number: usize,
) {
    let date = at.format("%a, %d %b %Y %H:%M:%S +0000");
    let from_line = at.format("%a %b %e %H:%M:%S %Y");
    out.push_str(&format!(
        "From {email} {from_line}\nFrom: {} <{email}>\nTo: care@shop.example\nSubject: {}\nDate: {date}\n\
         Message-ID: <{number}.{email}>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\n{text}\n\n",
        encoded_word(name),
        encoded_word(subject),
    ));
}

/// RFC 2047: what a mail program writes for anything beyond ASCII.
fn encoded_word(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let hex: String = text.bytes().map(|b| format!("={b:02X}")).collect();
    format!("=?utf-8?Q?{hex}?=")
}

fn posts(people: &[Person], random: &mut Random) -> Vec<Post> {
    let mut posts = Vec::new();
    for person in people.iter().filter(|_| random.chance(70)).collect::<Vec<_>>() {
        let name = if random.chance(70) { person.name() } else { person.other_name() };
        let email = if random.chance(15) { String::new() } else { person.email.clone() };
        let phone = if email.is_empty() || random.chance(50) { person.e164() } else { String::new() };
        let consent = random.chance(80);
        posts.push(post(
            &[
                ("name", &name),
                ("email", &email),
                ("phone", &phone),
                ("language", person.language()),
                ("newsletter", if consent { "yes" } else { "" }),
            ],
            random.chance(20),
        ));
    }
    // A robot fills in what people do not see; somebody's script sends no JSON at all.
    posts.push(post(
        &[("name", "Cheap Pills"), ("email", "spam@mail.example"), ("website", "http://spam.example")],
        false,
    ));
    posts.push(Post { content_type: "application/json", body: "{\"name\": \"cut off".to_owned() });
    posts
}

fn post(fields: &[(&str, &str)], json: bool) -> Post {
    if json {
        let object: serde_json::Map<String, serde_json::Value> =
            fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
        return Post {
            content_type: "application/json",
            body: serde_json::Value::Object(object).to_string(),
        };
    }
    let pairs: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={}", percent(v))).collect();
    Post { content_type: "application/x-www-form-urlencoded", body: pairs.join("&") }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn line(out: &mut String, cells: &[&str]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if cell.contains([',', '"', '\n']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::super::people::people;
    use super::*;

    #[test]
    fn a_seed_names_a_data_set() {
        let made = |seed| {
            let dir = tempfile::tempdir().unwrap();
            let mut random = Random::new(seed);
            let everybody = people(1_200, &mut random);
            let today = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
            let written = write(dir.path(), &everybody, today, &mut random).unwrap();
            (std::fs::read(dir.path().join("erp/customers.csv")).unwrap(), written)
        };
        let ((a, written), (b, _), (c, _)) = (made(7), made(7), made(8));
        assert_eq!(a, b);
        assert_ne!(a, c);
        let records = written.erp + written.mails + written.texts + written.posts.len();
        assert!((2_600..3_600).contains(&records), "{records} records");
        let (text, _, broken) = encoding_rs::GBK.decode(&a);
        assert!(!broken && text.starts_with("客户编号"), "the ERP writes GBK");
    }
}
