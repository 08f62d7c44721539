//! Libraries that are not loaded, each with the sentence that says why.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rejoin_connector::{Error, ErrorClass, Role, State};
use serde_json::json;

use crate::c_plugins::{build, c_plugin};
use crate::kit::*;

#[tokio::test]
async fn a_plugin_of_another_contract_is_refused_in_one_sentence() {
    let neighbour = Neighbour::at_work().await;
    for (define, expected) in [
        ("WRONG_MAJOR", "it needs plugin ABI 2.0, this Rejoin offers 1.0; upgrade Rejoin"),
        ("NEW_MINOR", "it needs plugin ABI 1.4, this Rejoin offers 1.0"),
        ("OTHER_SYMBOL", "it speaks plugin ABI 3, this Rejoin speaks 1"),
        ("NO_SYMBOL", "it does not export rejoin_plugin_entry_v1, so it is not a Rejoin plugin"),
        ("NO_TABLE", "its entry function gave no function table"),
        ("SHORT_TABLE", "its function table is only 16 bytes long"),
        ("REFUSES", "its entry function would not start with this Rejoin (status -9)"),
        ("NO_OPEN", "it has no open or no close function"),
        ("PROMISES", "its manifest promises webhook, but it has no handle function"),
    ] {
        let id = define.to_lowercase();
        let source = c_plugin(&id, &[define], Role::Source);
        let error = source.read(&rows(None)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("(plugin {id}) was refused: ")) && text.contains(expected), "{text}");
        assert_eq!((error.code(), error.class()), ("RJ-P02", ErrorClass::Config));
        assert_eq!((source.health().state, source.health().last_error), (State::Idle, Some(text)));
    }
    neighbour.noticed_nothing().await;
}

#[tokio::test]
async fn a_library_that_dies_while_loading_costs_its_child() {
    let error = c_plugin("doomed", &["CRASH_ON_LOAD"], Role::Source).read(&rows(None)).await.unwrap_err();
    assert!(error.to_string().contains("was killed by SIGABRT in loading"), "{error}");
}

/// Puts `change`d bytes of a good library where plugin `id` is looked for.
async fn refused_file(id: &str, change: impl FnOnce(&Path)) -> Error {
    let dir = build(id, &[]);
    change(&dir.join(format!("librejoin_{id}.so")));
    catalog_of(vec![dir]).manifest(id).await.unwrap_err()
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_library_for_this_machine_is_refused_before_it_is_loaded() {
    let other_machine = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    for (expected, error) in [
        (
            "is not a shared library",
            refused_file("text", |p| fs::write(p, "hello, this is text, no program").unwrap()).await,
        ),
        ("is not a shared library (", refused_file("empty", |p| fs::write(p, "").unwrap()).await),
        ("is built for ", refused_file("foreign", |p| rewrite(p, |b| b[18] = other_machine)).await),
        ("cannot be loaded: ", refused_file("cut", |p| rewrite(p, |b| b.truncate(100))).await),
        (
            "may be written by everybody on this machine; chmod o-w it",
            refused_file("open", |p| fs::set_permissions(p, fs::Permissions::from_mode(0o666)).unwrap())
                .await,
        ),
        (
            "is not a file",
            refused_file("folder", |p| {
                fs::remove_file(p).unwrap();
                fs::create_dir(p).unwrap();
            })
            .await,
        ),
    ] {
        let text = error.to_string();
        assert!(text.contains("was refused: ") && text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_missing_plugin_is_named_with_what_might_be_meant() {
    let catalog = zoo_catalog();
    let source = connector("zooo", "animals", Role::Source, json!({}), limits(), catalog.clone());
    let error = source.read(&rows(None)).await.unwrap_err();
    assert!(error.to_string().ends_with("; did you mean \"zoo\"?"), "{error}");
    assert_eq!((error.code(), error.class()), ("RJ-P01", ErrorClass::Config));
    assert!(matches!(catalog.library("../zoo"), Err(Error::Missing { .. })));
    let nowhere = catalog_of(vec![PathBuf::from("/nonexistent")]);
    assert!(nowhere.library("zoo").unwrap_err().to_string().contains("no plugin is installed there"));
}

#[tokio::test]
async fn a_host_program_that_does_not_start_is_named() {
    let dirs = vec![build("fine", &[])];
    let catalog = rejoin_connector::Catalog::new(dirs, PathBuf::from("/nonexistent/rejoin"));
    let error = catalog.manifest("fine").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("plugin fine could not be started: its process /nonexistent/rejoin did not start"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_the_plugin_cannot_fill_is_said_so() {
    let hook = c_plugin("nohook", &[], Role::Webhook);
    let error = hook.handle(&rejoin_connector::WebhookRequest::default()).await.unwrap_err();
    assert_eq!((error.code(), error.class()), ("RJ-P11", ErrorClass::Unsupported));
}
