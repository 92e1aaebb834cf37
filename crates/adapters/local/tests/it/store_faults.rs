//! Folders that cannot take a delivery: a clear error, and nothing changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use keywheel_domain::ports::{Effect, ErrorKind, PortError, Retry, SecretStore, Severity};
use keywheel_testkit::contract::secret_store::view;

use crate::support::{Place, USUAL, deliver, place};

/// A delivery that must fail: the preflight says so, too, and the folder is as it was.
async fn refused(place: &Place, config: &str) -> PortError {
    let store = place.store(config);
    let before = place.snapshot();
    let findings = store.preflight().await.unwrap();
    assert!(
        findings.iter().any(|found| found.severity == Severity::Blocker),
        "{findings:?}"
    );
    assert!(
        findings
            .iter()
            .filter(|found| found.severity == Severity::Blocker)
            .all(|found| !found.fix.is_empty())
    );
    let refused = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!(place.snapshot(), before);
    assert_eq!(refused.effect, Effect::None);
    refused
}

#[tokio::test]
async fn a_file_where_the_folder_should_be() {
    let place = place();
    fs::write(&place.secrets, "a file").unwrap();
    let refused = refused(&place, USUAL).await;
    assert_eq!((refused.kind, refused.retry), (ErrorKind::Storage, Retry::Never));
    assert!(refused.message().contains(place.secrets.to_str().unwrap()), "{refused}");
    assert!(
        refused
            .message()
            .contains("a file is in the place of a folder; move the file away"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_file_above_the_folder() {
    let place = place();
    fs::write(&place.secrets, "a file").unwrap();
    let refused = refused(&place, &USUAL.replace("\"secrets\"", "\"secrets/jwt\"")).await;
    assert_eq!((refused.kind, refused.retry), (ErrorKind::Storage, Retry::Never));
}

#[tokio::test]
async fn a_parent_that_is_not_there() {
    let place = place();
    let refused = refused(&place, &USUAL.replace("\"secrets\"", "\"nowhere/secrets\"")).await;
    assert_eq!((refused.kind, refused.retry), (ErrorKind::NotFound, Retry::Never));
    assert!(refused.message().contains("nowhere/secrets"), "{refused}");
    assert!(
        refused.message().contains("a folder above it does not; create it"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_file() {
    let place = place();
    fs::create_dir_all(place.secrets.join("password")).unwrap();
    fs::write(place.secrets.join("..lock"), "").unwrap();
    let refused = refused(&place, USUAL).await;
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message().contains("is a folder"), "{refused}");
}

#[tokio::test]
async fn a_marker_of_a_newer_version() {
    let place = place();
    fs::create_dir_all(place.secrets.join("..r1")).unwrap();
    fs::write(place.secrets.join("..r1/view.json"), r#"{"schema":9}"#).unwrap();
    fs::write(place.secrets.join("..lock"), "").unwrap();
    symlink("..r1", place.secrets.join("..data")).unwrap();
    let before = place.snapshot();
    let refused = deliver(&place.store(USUAL), &view(1, 1, &[1]), None).await.unwrap_err();
    assert!(refused.message().contains("newer version of Keywheel"), "{refused}");
    assert_eq!(place.snapshot(), before);
}

/// A folder that even root cannot write to.
#[tokio::test]
async fn a_folder_that_cannot_be_written() {
    let place = place();
    symlink("/proc/self/task", &place.secrets).unwrap();
    let store = place.store(USUAL);
    let refused = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!(refused.effect, Effect::None);
    assert!(refused.message().contains("/secrets"), "{refused}");
}

/// The system refuses every byte over a limit, as a full disk would. The limit holds for a whole process, so this runs itself
/// once more in one of its own.
#[tokio::test]
async fn no_room_for_a_delivery() {
    const WITHOUT_ROOM: &str = "KEYWHEEL_TEST_WITHOUT_ROOM";
    #[expect(
        clippy::disallowed_methods,
        reason = "it tells the process with the limit from the one that sets it"
    )]
    let here = std::env::var_os(WITHOUT_ROOM).is_some();
    if here {
        return is_refused_without_room().await;
    }
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" --exact store_faults::no_room_for_a_delivery";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(WITHOUT_ROOM, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

async fn is_refused_without_room() {
    let place = place();
    let store = place.store(USUAL);
    let refused = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry, refused.effect),
        (ErrorKind::Storage, Retry::Later, Effect::None)
    );
    assert!(
        refused.message().contains("there is no room left; free some there"),
        "{refused}"
    );
    assert!(refused.message().contains("..r1/"), "{refused}");
    assert_eq!(place.names(), ["..lock"]);
    assert_eq!(store.read_back(&keywheel_testkit::sample::name()).await.unwrap(), None);
}

#[test]
fn configurations_that_cannot_be_meant() {
    let place = place();
    let file = |entry: &str| format!("folder = 'secrets'\n[[file]]\n{entry}");
    for (config, why) in [
        ("folder = 'secrets'".to_owned(), "writes nothing"),
        (file("path = 'a'"), "either `template` or `template_file`"),
        (file("path = 'a'\ntemplate = ''\ntemplate_file = 'b'"), "and not both"),
        (file("path = '../a'\ntemplate = ''"), "begins with `..`"),
        (file("path = 'a/b'\ntemplate = ''"), "has a `/`"),
        (file("path = ''\ntemplate = ''"), "is no file name"),
        (file("path = 'view.json'\ntemplate = ''"), "the store's own marker"),
        (file("path = 'a'\ntemplate = '{% if %}'"), "does not compile"),
        (file("path = 'a'\ntemplate_file = 'missing.j2'"), "missing.j2"),
        (
            file("path = 'a'\ntemplate = ''\nowner = 'nobody-has-this-name'"),
            "give its number",
        ),
        (
            file("path = 'a'\ntemplate = ''\n[[file]]\npath = 'a'\ntemplate = ''"),
            "two entries write the file a",
        ),
    ] {
        let refused = place.try_store(&config).unwrap_err();
        assert!(refused.message().contains(why), "{config}: {refused}");
    }
}

#[tokio::test]
async fn names_that_turn_out_wrong_are_refused_before_anything_is_written() {
    for (path, why) in [
        ("role_{{ version.password }}", "no `password` here"),
        ("../{{ version.role }}", "begins with `..`"),
        ("{{ version.role }}/x", "has a `/`"),
        ("same", "two entries write the file same"),
    ] {
        let place = place();
        let config = format!("folder = 'secrets'\n[[file]]\npath = '{path}'\neach = 'accepted'\ntemplate = 'x'");
        let refused = deliver(&place.store(&config), &view(1, 1, &[1, 2]), None)
            .await
            .unwrap_err();
        assert!(refused.message().contains(why), "{path}: {refused}");
        assert!(!place.secrets.exists());
    }
}
