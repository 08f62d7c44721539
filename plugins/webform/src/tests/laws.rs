use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{FORM, JSON, MULTIPART, handle, multipart, record};

fn fields() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    // Names without quotes and line ends, which multipart headers escape in several ways; values of any kind.
    proptest::collection::btree_map("x[a-z一-龥]{0,6}", "[^\\x00\\r]{0,40}", 1..8)
}

fn escape(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02x}")).collect()
}

proptest! {
    /// The same form gives the same record in every format.
    #[test]
    fn formats_agree(fields in fields()) {
        let pairs: Vec<_> = fields.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect();
        let heads: Vec<_> = fields.keys().map(|n| format!("name=\"{n}\"")).collect();
        let parts: Vec<_> = heads.iter().zip(fields.values()).map(|(h, v)| (h.as_str(), v.as_bytes())).collect();
        let object: Map<String, Value> = fields.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        let object = Value::Object(object);
        let urlencoded = record(&json!({}), FORM, pairs.join("&").as_bytes());
        for (name, value) in &fields {
            prop_assert_eq!(&urlencoded[name], value);
        }
        prop_assert_eq!(&urlencoded, &record(&json!({}), MULTIPART, &multipart(&parts)));
        prop_assert_eq!(&urlencoded, &record(&json!({}), JSON, object.to_string().as_bytes()));
    }

    /// Whatever arrives becomes at least one line, and never a panic.
    #[test]
    fn nothing_is_lost(kind in 0usize..6, body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let kind = [FORM, MULTIPART, JSON, "", "text/plain", "application/x-www-form-urlencoded; charset=gbk"][kind];
        let lines = handle(&json!({}), kind, "/", &body);
        prop_assert!(!lines.is_empty());
    }

    #[test]
    fn no_broken_multipart_is_lost(cut in 0usize..200, extra in proptest::collection::vec(any::<u8>(), 0..20)) {
        let mut body = multipart(&[("name=\"a\"", b"1"), ("name=\"b\"; filename=\"f\"", b"2")]);
        body.truncate(cut);
        body.extend(extra);
        let lines = handle(&json!({}), MULTIPART, "/", &body);
        prop_assert!(!lines.is_empty());
    }
}
