//! Plugins in C, built here from one file with one breach each.

use std::path::{Path, PathBuf};
use std::process::Command;

use rejoin_connector::{Connector, Outcome, Role};
use serde_json::json;

use crate::kit::*;

/// Builds `zoo.c` as plugin `id` with `defines`, in a folder of its own.
pub(crate) fn build(id: &str, defines: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{id}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let built = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-shared", "-fPIC"])
        .args(["-fvisibility=hidden", &format!("-DID=\"{id}\"")])
        .args(defines.iter().map(|define| format!("-D{define}")))
        .arg("-I")
        .arg(root.join("plugin-api/include"))
        .arg("-o")
        .arg(dir.join(format!("librejoin_{id}.so")))
        .arg(root.join("tests/zoo/c/zoo.c"))
        .status()
        .expect("a C compiler is needed: install gcc");
    assert!(built.success(), "zoo.c with {defines:?}");
    dir
}

pub(crate) fn c_plugin(id: &str, defines: &[&str], role: Role) -> Connector {
    connector(id, "old friend", role, json!({}), limits(), catalog_of(vec![build(id, defines)]))
}

#[tokio::test]
async fn a_c_plugin_is_as_good_as_any() {
    let source = c_plugin("good", &[], Role::Source);
    assert_eq!(source.check().await.unwrap(), "one C plugin, well");
    let batch = source.read(&rows(None)).await.unwrap();
    assert_eq!(batch.lines, b"{\"op\":\"u\",\"key\":\"1\",\"v\":{\"name\":\"Ada\"}}\n");
    assert!(batch.more && !source.read(&rows(batch.cursor.as_deref())).await.unwrap().more);
    source.committed("rows", "1").await.expect("a source need not care for commits");
    let channel = c_plugin("goodsms", &[], Role::Channel);
    let accepted = Outcome::Accepted { provider_id: Some("c-1".to_owned()) };
    assert_eq!(channel.send(&messages(2)).await, [accepted.clone(), accepted]);
}

#[tokio::test]
async fn a_breach_of_the_contract_is_named_and_costs_only_its_child() {
    let neighbour = Neighbour::at_work().await;
    for (define, expected) in [
        ("NOT_UTF8", "it returned a batch that is not UTF-8"),
        ("NULL_DATA", "it returned a batch of 64 bytes without data"),
        ("HUGE_DATA", "it returned a batch of 10737418240 bytes; at most 268435456 may cross"),
        ("HUGE_CURSOR", "it returned a cursor of 1048577 bytes"),
        ("WRONG_COUNT", "a batch of 1 lines, but says they are 1000"),
        ("NO_LINE_FEED", "whose last line does not end"),
        ("WRONG_ENCODING", "encoding 4, which was not asked for"),
        ("WRONG_STATUS", "answered read with status 77"),
    ] {
        let id = define.to_lowercase();
        let source = c_plugin(&id, &[define], Role::Source);
        let error = source.read(&rows(None)).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.code(), "RJ-P07", "{text}");
        assert!(
            text.starts_with(&format!("connector \"old friend\" (plugin {id}) broke the plugin contract"))
        );
        assert!(text.contains(expected), "{define}: {text}");
    }
    for (define, expected) in [
        ("OUTCOME_ZERO", "outcome 0, which does not exist"),
        ("OUTCOME_NULL", "1 outcomes at an impossible address"),
    ] {
        let channel = c_plugin(&define.to_lowercase(), &[define], Role::Channel);
        let outcomes = channel.send(&messages(2)).await;
        for outcome in outcomes {
            assert!(
                matches!(&outcome, Outcome::Unknown { reason } if reason.contains(expected)),
                "{outcome:?}"
            );
        }
    }
    let twice = c_plugin("twice", &["OUTCOME_TWICE"], Role::Channel);
    let accepted = Outcome::Accepted { provider_id: Some("c-1".to_owned()) };
    assert_eq!(twice.send(&messages(2)).await, [accepted.clone(), accepted], "the first report stands");
    assert!(twice.health().last_error.unwrap().contains("two outcomes for message 0"));
    neighbour.noticed_nothing().await;
}

#[tokio::test]
async fn a_line_that_is_not_json_is_passed_on_for_quarantine() {
    let batch = c_plugin("garbage", &["GARBAGE_LINE"], Role::Source).read(&rows(None)).await.unwrap();
    assert_eq!((batch.records, batch.lines.ends_with(b"\n{{{ not json\n")), (2, true));
}

#[tokio::test]
async fn an_error_without_a_reason_still_makes_a_sentence() {
    let error = c_plugin("mute", &["NO_REASON"], Role::Source).read(&rows(None)).await.unwrap_err();
    assert!(error.to_string().ends_with("it gave no reason (status -5)"), "{error}");
}
