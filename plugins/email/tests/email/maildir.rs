//! The Maildir transport, and reading back what it wrote.

use crate::support::{messages, open, send, short};
use rejoin_plugin_api::{Batch, Plugin, Progress, ReadRequest, Source};

#[test]
fn messages_become_files_once_and_can_be_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("out");
    let config = serde_json::json!({
        "from": "care@shop.test", "domain": "shop.test", "transport": "maildir",
        "maildir": {"folder": folder}, "mailbox": {"paths": [folder]},
    });
    let mut plugin = open(&config.to_string());
    let all = messages(70);
    for _ in 0..2 {
        let (outcomes, result) = send(&mut plugin, &all);
        assert_eq!(result, Ok(()));
        assert!(outcomes.iter().all(|o| short(o) == "accepted"));
    }
    assert_eq!(std::fs::read_dir(folder.join("new")).unwrap().count(), 70, "sending again replaces");
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
    let said = plugin.check().unwrap();
    assert!(said.contains("nothing is sent") && said.contains("Maildir folder"), "{said}");

    let mut batch = Batch::new(1000, 1 << 20);
    let request = ReadRequest { stream: "inbox".into(), max_records: 1000, ..ReadRequest::default() };
    assert_eq!(plugin.read(&request, &mut batch), Ok(Progress::CaughtUp));
    let (lines, records, _) = batch.into_parts();
    assert_eq!(records, 70);
    let text = String::from_utf8(lines).unwrap();
    assert!(text.contains(r#""key":"mail/m69@shop.test""#), "{text}");
    assert!(text.contains(r#""text":"mark-5-\n.\n..dots""#), "{text}");
}
