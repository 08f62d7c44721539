//! Whole mails in, rows out: each case is a mail as some server or client really writes it, cut to what matters.

use serde_json::Value;

use super::Row;

fn row(raw: &str) -> Value {
    let row = Row::read(
        raw.replace('\n', "\r\n").as_bytes(),
        Some("2026-01-01T00:00:00+00:00".into()),
        "shop.test",
    );
    serde_json::to_value(row.expect("a mail")).unwrap()
}

/// Fields as `name=value`, for those asked.
fn check(raw: &str, expected: &[(&str, Value)]) {
    let row = row(raw);
    for (name, value) in expected {
        assert_eq!(&row[name], value, "{name} of {raw}\n{row:#}");
    }
}

#[test]
fn a_reply() {
    check(
        "From: =?UTF-8?B?5p2O6Zu3?= <Li@Customer.test>\nTo: care@shop.test, b@shop.test\nSubject: Re: Sale\n\
         Date: Mon, 2 Feb 2026 10:00:00 +0800\nMessage-ID: <r1@customer.test>\nIn-Reply-To: <m7@SHOP.test>\n\
         References: <m1@shop.test> <x@other.test>\n\nSTOP\n\nOn Mon, Shop <care@shop.test> wrote:\n> Sale\n",
        &[
            ("kind", "reply".into()),
            ("message_id", "r1@customer.test".into()),
            ("party_key", "mailto:li@customer.test".into()),
            ("from_address", "Li@Customer.test".into()),
            ("from_name", "李雷".into()),
            ("to", "care@shop.test, b@shop.test".into()),
            ("date", "2026-02-02T10:00:00+08:00".into()),
            ("in_reply_to", "m7@SHOP.test".into()),
            ("references", vec!["m1@shop.test", "x@other.test"].into()),
            ("answers", "m7@SHOP.test".into()),
            ("answers_id", "m7".into()),
            ("reply_text", "STOP".into()),
            ("opt_out", true.into()),
            ("auto_submitted", false.into()),
            ("bad_address", false.into()),
            ("status", Value::Null),
        ],
    );
}

#[test]
fn the_newest_reference_of_ours_is_answered() {
    check(
        "From: li@c.test\nMessage-ID: <r@c.test>\nIn-Reply-To: <x@other.test>\n\
         References: <m1@shop.test> <m2@shop.test> <x@other.test>\n\nyes\n",
        &[
            ("answers", "m2@shop.test".into()),
            ("kind", "reply".into()),
            ("date", "2026-01-01T00:00:00+00:00".into()),
        ],
    );
    check(
        "From: li@c.test\nIn-Reply-To: <x@other.test>\n\nyes\n",
        &[("answers", Value::Null), ("kind", "reply".into())],
    );
    check("From: li@c.test\nSubject: Hi\n\nhello\n", &[("answers", Value::Null), ("kind", "mail".into())]);
}

#[test]
fn answering_machines_neither_reply_nor_opt_out() {
    for header in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (rejected)",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "Return-Path: <>",
        "Subject: Automatic reply: Sale",
        "Subject: =?UTF-8?B?6Ieq5Yqo5Zue5aSN?=: Sale",
    ] {
        check(
            &format!("From: li@c.test\n{header}\nIn-Reply-To: <m1@shop.test>\n\nSTOP\n"),
            &[
                ("kind", "auto_reply".into()),
                ("auto_submitted", true.into()),
                ("opt_out", false.into()),
                ("answers", "m1@shop.test".into()),
            ],
        );
    }
    for header in [
        "Auto-Submitted: no",
        "Precedence: bulk",
        "Return-Path: <li@c.test>",
        "X-Auto-Response-Suppress: All",
    ] {
        check(
            &format!("From: li@c.test\n{header}\n\nSTOP\n"),
            &[("kind", "mail".into()), ("opt_out", true.into())],
        );
    }
}

/// As Postfix 3.7 writes it.
const DSN: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.shop.test (Mail Delivery System)\n\
Subject: Undelivered Mail Returned to Sender\nTo: bounces@shop.test\nAuto-Submitted: auto-replied\n\
MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\n\
Message-Id: <20260101.1@mx.shop.test>\n\n--B\nContent-Type: text/plain\n\nI'm sorry.\n\n\
--B\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n\
Reporting-MTA: dns; mx.shop.test\nOriginal-Envelope-Id: m9+40shop.test\nX-Postfix-Queue-ID: 4A\n\n\
Final-Recipient: rfc822; Nobody@late.test\nOriginal-Recipient: rfc822;Nobody@late.test\n\
Action: ACTION\nStatus: STATUS\nRemote-MTA: dns; late.test\n\
Diagnostic-Code: smtp; 550 STATUS no such user,\n    really\n\nORIGINAL--B--\n";

const RETURNED: &str = "--B\nContent-Type: text/rfc822-headers\n\nFrom: care@shop.test\nMessage-ID: <m9@shop.test>\n\
To: nobody@late.test\n\n";
const RETURNED_WHOLE: &str = "--B\nContent-Type: message/rfc822\n\nFrom: care@shop.test\nMessage-ID: <m9@shop.test>\n\
To: nobody@late.test\n\nHello\n\n";

fn dsn(action: &str, status: &str, original: &str) -> String {
    DSN.replace("ACTION", action).replace("STATUS", status).replace("ORIGINAL", original)
}

#[test]
fn a_bounce_names_message_recipient_and_reason() {
    for original in [RETURNED, RETURNED_WHOLE, ""] {
        check(
            &dsn("failed", "5.1.1", original),
            &[
                ("kind", "bounce".into()),
                ("action", "failed".into()),
                ("final_recipient", "Nobody@late.test".into()),
                ("party_key", "mailto:nobody@late.test".into()),
                ("status", "5.1.1".into()),
                ("diagnostic", "550 5.1.1 no such user, really".into()),
                ("original_message_id", "m9@shop.test".into()),
                ("answers", "m9@shop.test".into()),
                ("bad_address", true.into()),
                ("opt_out", false.into()),
            ],
        );
    }
    check(&dsn("failed", "5.2.2", RETURNED), &[("kind", "bounce".into()), ("bad_address", false.into())]);
    check(&dsn("delayed", "4.4.1", RETURNED), &[("kind", "bounce".into()), ("action", "delayed".into())]);
    check(
        &dsn("delivered", "2.0.0", RETURNED),
        &[("kind", "auto_reply".into()), ("answers_id", "m9".into())],
    );
}

#[test]
fn bounces_that_follow_no_standard() {
    check(
        "From: Mail Delivery System <Mailer-Daemon@mx.test>\nX-Failed-Recipients: li@c.test\n\
         Subject: Mail delivery failed: returning message to sender\nAuto-Submitted: auto-replied\n\n\
         li@c.test\n    SMTP error: 550-5.1.1 The account does not exist\n\n\
         ------ This is a copy of your message ------\nMessage-ID: <m3@shop.test>\n",
        &[
            ("kind", "bounce".into()),
            ("final_recipient", "li@c.test".into()),
            ("party_key", "mailto:li@c.test".into()),
            ("answers", "m3@shop.test".into()),
        ],
    );
    check(
        "From: postmaster@mx.test\nSubject: =?UTF-8?B?57O757uf6YCA5L+h?=\n\nerror 5.1.1, no such user\n",
        &[("kind", "bounce".into()), ("status", "5.1.1".into()), ("bad_address", true.into())],
    );
    check("From: postmaster@mx.test\nSubject: Maintenance\n\n", &[("kind", "mail".into())]);
}

#[test]
fn a_complaint_and_its_withdrawal() {
    let arf = "From: fbl@isp.test\nSubject: FW: Sale\nMIME-Version: 1.0\nMessage-ID: <f1@isp.test>\n\
        Content-Type: multipart/report; report-type=feedback-report; boundary=\"B\"\n\n\
        --B\nContent-Type: text/plain\n\nSTOP\n\n--B\nContent-Type: message/feedback-report\n\n\
        Feedback-Type: TYPE\nUser-Agent: X/1\nVersion: 1\nOriginal-Rcpt-To: <Li@isp.test>\n\n\
        --B\nContent-Type: message/rfc822\n\nFrom: care@shop.test\nTo: li@isp.test\nMessage-ID: <m5@shop.test>\n\nHi\n\n--B--\n";
    check(
        &arf.replace("TYPE", "abuse"),
        &[
            ("kind", "complaint".into()),
            ("feedback_type", "abuse".into()),
            ("original_recipient", "Li@isp.test".into()),
            ("party_key", "mailto:li@isp.test".into()),
            ("answers", "m5@shop.test".into()),
            ("opt_out", false.into()),
        ],
    );
    check(&arf.replace("TYPE", "not-spam"), &[("kind", "auto_reply".into())]);
}

#[test]
fn gbk_mail_is_read() {
    let mut raw =
        b"From: li@c.test\r\nContent-Type: text/plain; charset=gb2312\r\nMessage-ID: <g@c.test>\r\n\r\n"
            .to_vec();
    raw.extend_from_slice(&[0xcd, 0xcb, 0xb6, 0xa9]); // 退订
    let row = Row::read(&raw, None, "shop.test").unwrap();
    assert_eq!(row.text, "退订");
    assert!(row.opt_out);
}

#[test]
fn html_only_mail_has_text() {
    let row = row("From: li@c.test\nContent-Type: text/html\n\n<p>Please <b>unsubscribe</b></p>\n");
    assert_eq!(row["reply_text"], "Please unsubscribe");
    assert_eq!(row["opt_out"], true);
}

#[test]
fn keys_are_stable_and_never_empty() {
    let key = |raw: &str| Row::read(raw.as_bytes(), None, "").unwrap().key();
    assert_eq!(key("Message-ID: <a@b.test>\r\n\r\nx"), "mail/a@b.test");
    let without = key("From: a@b.test\r\n\r\nx");
    assert!(without.starts_with("mail/sha256-") && without.len() == 12 + 32, "{without}");
    assert_eq!(without, key("From: a@b.test\r\n\r\nx"));
    assert_ne!(without, key("From: a@b.test\r\n\r\ny"));
}

#[test]
fn a_giant_body_is_cut_and_says_so() {
    let row =
        row(&format!("From: a@b.test\nContent-Type: text/plain; charset=utf-8\n\n{}", "退".repeat(100_000)));
    assert_eq!(row["truncated"], true);
    assert!(row["text"].as_str().unwrap().len() <= super::TEXT_BYTES_MAX);
}

proptest::proptest! {
    /// Mail is written by strangers: nothing in it may bring the reader down.
    #[test]
    fn any_bytes_are_read_without_a_panic(raw in proptest::collection::vec(0u8..=255, 0..400),
                                          shuffled in "(From|To|Message-ID|In-Reply-To|Content-Type|Subject|:|<|>|@|;|\r\n| |=\\?|multipart/report|message/delivery-status|boundary=b|--b|Status: 5){0,40}") {
        drop(Row::read(&raw, None, "shop.test"));
        drop(Row::read(shuffled.as_bytes(), None, "shop.test"));
    }
}
