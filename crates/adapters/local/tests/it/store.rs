//! Deliveries to a folder.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use keywheel_domain::ports::{Delivery, Effect, ErrorKind, Retry, SecretStore, Severity};
use keywheel_testkit::contract::secret_store::{delivery, view};
use keywheel_testkit::sample::name;

use crate::support::{Place, USUAL, deliver, password, place};

#[tokio::test]
async fn a_delivery_is_a_folder_behind_one_link_and_a_link_for_each_file() {
    let place = place();
    let first = view(1, 1, &[1]);
    let evidence = deliver(&place.store(USUAL), &first, None).await.unwrap();
    assert_eq!(
        place.names(),
        ["..data", "..lock", "..r1", "app.yaml", "password", "role_1"]
    );
    assert_eq!(fs::read_link(place.secrets.join("..data")).unwrap(), Path::new("..r1"));
    assert_eq!(
        fs::read_link(place.secrets.join("password")).unwrap(),
        Path::new("..data/password")
    );
    assert_eq!(place.read("password"), format!("{}\n", password(&first, 1)));
    assert_eq!(place.read("app.yaml"), "revision: 1\nrole: role-1\n");
    assert!(
        evidence.detail.starts_with("r1 (primary 1, accepted 1) in "),
        "{}",
        evidence.detail
    );
    assert!(
        evidence.detail.ends_with("password, app.yaml, role_1"),
        "{}",
        evidence.detail
    );
}

#[tokio::test]
async fn files_come_and_go_with_the_view_and_nothing_old_is_left() {
    let place = place();
    let store = place.store(USUAL);
    let (first, second, third) = (view(1, 1, &[1]), view(2, 2, &[1, 2]), view(3, 2, &[2]));
    deliver(&store, &first, None).await.unwrap();
    deliver(&store, &second, Some(&first)).await.unwrap();
    assert_eq!(
        place.names(),
        ["..data", "..lock", "..r2", "app.yaml", "password", "role_1", "role_2"]
    );
    deliver(&store, &third, Some(&second)).await.unwrap();
    assert_eq!(
        place.names(),
        ["..data", "..lock", "..r3", "app.yaml", "password", "role_2"]
    );
    assert_eq!(place.read("password"), format!("{}\n", password(&third, 2)));
}

#[tokio::test]
async fn secret_files_are_their_owners_alone_and_public_ones_can_be_read() {
    let place = place();
    deliver(&place.store(USUAL), &view(1, 1, &[1]), None).await.unwrap();
    assert_eq!(
        (place.mode("password"), place.mode("app.yaml"), place.mode("role_1")),
        (0o600, 0o644, 0o644)
    );
    assert_eq!(
        (place.mode(""), place.mode("..data"), place.mode("..lock")),
        (0o750, 0o750, 0o600)
    );
}

#[tokio::test]
async fn modes_are_as_configured() {
    let place = place();
    let config = "folder = 'secrets'\nfolder_mode = '0755'\n\
        [[file]]\npath = 'p'\nmode = '0640'\ntemplate = '{{ primary.password }}'\n\
        [[file]]\npath = 'read-only'\nmode = '0400'\ntemplate = '{{ primary.password }}'\n";
    let store = place.store(config);
    let (first, second) = (view(1, 1, &[1]), view(2, 2, &[2]));
    deliver(&store, &first, None).await.unwrap();
    deliver(&store, &second, Some(&first)).await.unwrap();
    assert_eq!((place.mode("p"), place.mode("read-only")), (0o640, 0o400));
    assert_eq!((place.mode(""), place.mode("..data")), (0o755, 0o755));
}

/// Only root may give files away, so anybody else's files stay their own.
#[tokio::test]
async fn files_get_the_folders_owner_and_group_or_the_configured_ones() {
    let root = rustix::process::geteuid().is_root();
    let place = place();
    fs::create_dir(&place.secrets).unwrap();
    let folder = fs::metadata(&place.secrets).unwrap();
    let theirs = if root {
        (4711, 4712)
    } else {
        (folder.uid(), folder.gid())
    };
    chown(&place.secrets, Some(theirs.0), Some(theirs.1)).unwrap();
    let named = if root { (4713, 4714) } else { theirs };
    let config = format!(
        "{USUAL}\n[[file]]\npath = 'named'\ntemplate = ''\nowner = '{}'\ngroup = '{}'",
        named.0, named.1
    );
    deliver(&place.store(&config), &view(1, 1, &[1]), None).await.unwrap();
    let owner = |name: &str| {
        let found = fs::metadata(place.secrets.join(name)).unwrap();
        (found.uid(), found.gid())
    };
    assert_eq!(
        ["..data", "password", "app.yaml", "named"].map(owner),
        [theirs, theirs, theirs, named]
    );
}

#[tokio::test]
async fn a_secret_file_that_everybody_can_read_is_refused_before_anything_is_written() {
    let place = place();
    let config = "folder = 'secrets'\n[[file]]\npath = 'p'\nmode = '0644'\ntemplate = '{{ primary.password }}'\n";
    let refused = deliver(&place.store(config), &view(1, 1, &[1]), None)
        .await
        .unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Invalid, Effect::None));
    assert!(
        refused.message().contains("lets everybody read it; use 0600"),
        "{refused}"
    );
    assert!(!place.secrets.exists());
}

#[tokio::test]
async fn an_existing_folder_keeps_its_mode_and_the_files_of_others() {
    let place = place();
    fs::create_dir(&place.secrets).unwrap();
    fs::set_permissions(&place.secrets, fs::Permissions::from_mode(0o711)).unwrap();
    fs::write(place.secrets.join("tls.crt"), "theirs").unwrap();
    symlink("tls.crt", place.secrets.join("current.crt")).unwrap();
    let store = place.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    deliver(&store, &view(2, 1, &[1]), Some(&first)).await.unwrap();
    assert_eq!((place.mode(""), place.mode("..data")), (0o711, 0o711));
    assert_eq!(
        (place.read("tls.crt"), place.read("current.crt")),
        ("theirs".to_owned(), "theirs".to_owned())
    );
}

/// As an adoption finds it: plain files in the place of links.
fn with_existing(place: &Place, password: &str) {
    fs::create_dir(&place.secrets).unwrap();
    fs::write(place.secrets.join("password"), password).unwrap();
}

fn adoption() -> Delivery {
    Delivery {
        rotation: None,
        ..delivery(&view(1, 1, &[1]))
    }
}

#[tokio::test]
async fn an_adoption_destroys_the_plain_files_that_hold_what_it_shows() {
    let place = place();
    let adoption = adoption();
    let existing = password(&adoption.view, 1);
    with_existing(&place, &existing);
    let old = fs::File::open(place.secrets.join("password")).unwrap();
    place.store(USUAL).deliver(&adoption, None).await.unwrap();
    assert_eq!(
        place.names(),
        ["..data", "..lock", "..r1", "app.yaml", "password", "role_1"]
    );
    assert_eq!(place.read("password"), format!("{}\n", password(&adoption.view, 1)));
    let mut left = String::new();
    std::io::Read::read_to_string(&mut { old }, &mut left).unwrap();
    assert_eq!(left, "\0".repeat(existing.len()));
}

#[tokio::test]
async fn an_adoption_keeps_whatever_else_was_in_the_way() {
    let place = place();
    with_existing(&place, "the one in use");
    fs::set_permissions(place.secrets.join("password"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(place.secrets.join("app.yaml"), "theirs: true").unwrap();
    let (store, adoption) = (place.store(USUAL), adoption());
    let evidence = store.deliver(&adoption, None).await.unwrap();
    let kept = place.secrets.join("password.before-keywheel");
    assert!(evidence.detail.contains(kept.to_str().unwrap()), "{}", evidence.detail);
    let kept = ["password.before-keywheel", "app.yaml.before-keywheel"];
    assert_eq!(kept.map(|name| place.read(name)), ["the one in use", "theirs: true"]);
    assert_eq!(kept.map(|name| place.mode(name)), [0o600; 2]);
    assert_eq!(place.read("password"), format!("{}\n", password(&adoption.view, 1)));
    store
        .deliver(&delivery(&view(2, 1, &[1])), Some(&adoption.view))
        .await
        .unwrap();
    assert_eq!(place.read(kept[0]), "the one in use");
}

#[tokio::test]
async fn an_adoption_changes_nothing_where_what_is_in_the_way_cannot_be_kept() {
    let place = place();
    with_existing(&place, "the one in use");
    fs::write(place.secrets.join("password.before-keywheel"), "one before that").unwrap();
    fs::write(place.secrets.join("app.yaml"), "theirs: true").unwrap();
    let refused = place.store(USUAL).deliver(&adoption(), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::None));
    assert!(
        refused.message().contains("password.before-keywheel is taken"),
        "{refused}"
    );
    assert_eq!(
        place.names(),
        ["..lock", "app.yaml", "password", "password.before-keywheel"]
    );
    assert_eq!(place.read("password"), "the one in use");
}

/// The swap was made and the machine went down before the links were.
#[tokio::test]
async fn an_adoption_that_was_cut_off_is_finished_and_still_keeps_what_was_there() {
    let place = place();
    let (store, adoption) = (place.store(USUAL), adoption());
    store.deliver(&adoption, None).await.unwrap();
    let path = place.secrets.join("password");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "the one in use").unwrap();
    fs::hard_link(&path, place.secrets.join("password.before-keywheel")).unwrap();
    store.deliver(&adoption, None).await.unwrap();
    assert!(path.is_symlink());
    assert_eq!(place.read("password.before-keywheel"), "the one in use");
}

#[tokio::test]
async fn anything_but_an_adoption_leaves_plain_files_alone_unless_it_is_told_to_replace_them() {
    let place = place();
    with_existing(&place, "the one that was there");
    let before = place.read("password");
    let refused = deliver(&place.store(USUAL), &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Conflict, Effect::None));
    let path = place.secrets.join("password");
    assert!(refused.message().starts_with(path.to_str().unwrap()), "{refused}");
    assert!(refused.message().contains("replace_existing = true"), "{refused}");
    assert_eq!(
        (place.names(), place.read("password")),
        (vec!["..lock".to_owned(), "password".to_owned()], before)
    );

    let told = format!("replace_existing = true\n{USUAL}");
    deliver(&place.store(&told), &view(1, 1, &[1]), None).await.unwrap();
    assert!(place.secrets.join("password").is_symlink());
}

#[tokio::test]
async fn a_store_that_may_never_replace_does_not_in_an_adoption_either() {
    let place = place();
    with_existing(&place, "the one that was there");
    let store = place.store(&format!("replace_existing = false\n{USUAL}"));
    assert_eq!(
        store.deliver(&adoption(), None).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
    let findings = store.preflight().await.unwrap();
    assert!(
        findings.iter().any(|found| found.severity == Severity::Blocker),
        "{findings:?}"
    );
}

#[tokio::test]
async fn a_delivery_that_was_tampered_with_is_made_whole() {
    let place = place();
    let store = place.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    let whole = (place.read("password"), place.read("app.yaml"));
    for tamper in [
        (|place| fs::write(place.secrets.join("app.yaml"), "wrong").unwrap()) as fn(&Place),
        |place| fs::write(place.secrets.join("app.yaml"), place.read("app.yaml").replace('1', "9")).unwrap(),
        |place| fs::remove_file(place.secrets.join("..data/password")).unwrap(),
        |place| fs::remove_file(place.secrets.join("password")).unwrap(),
        |place| fs::write(place.secrets.join("..data/extra"), "x").unwrap(),
        |place| {
            let path = place.secrets.join("..data/password");
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        },
    ] {
        tamper(&place);
        deliver(&store, &first, None).await.unwrap();
        assert_eq!((place.read("password"), place.read("app.yaml")), whole);
        assert_eq!(
            (place.mode("password"), place.names().len()),
            (0o600, 6),
            "{:?}",
            place.names()
        );
    }
}

#[tokio::test]
async fn repeating_a_delivery_that_is_whole_writes_nothing() {
    let place = place();
    let store = place.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    let before = place.snapshot();
    deliver(&store, &first, None).await.unwrap();
    assert_eq!(place.snapshot(), before);
}

#[tokio::test]
async fn what_a_crash_left_behind_goes_with_the_next_delivery() {
    let place = place();
    let store = place.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    // Half a delivery of the next revision, a swap that never came, an original that was not destroyed yet.
    fs::create_dir(place.secrets.join("..r2")).unwrap();
    fs::write(place.secrets.join("..r2/password"), "half").unwrap();
    symlink("..r2", place.secrets.join("..data_new")).unwrap();
    fs::write(place.secrets.join("..old.0.password"), "old").unwrap();
    symlink("..data/role_9", place.secrets.join("role_9")).unwrap();
    deliver(&store, &view(2, 2, &[2]), Some(&first)).await.unwrap();
    assert_eq!(
        place.names(),
        ["..data", "..lock", "..r2.1", "app.yaml", "password", "role_2"]
    );
}

#[tokio::test]
async fn a_folder_that_shows_another_credential_or_somebody_elses_delivery_is_a_conflict() {
    let place = place();
    let store = place.store(USUAL);
    deliver(&store, &view(1, 1, &[1]), None).await.unwrap();
    let mut other = delivery(&view(2, 1, &[1]));
    other.credential = "other/password".parse().unwrap();
    let refused = store.deliver(&other, Some(&view(1, 1, &[1]))).await.unwrap_err();
    assert!(
        refused.message().contains("shows the credential company/database"),
        "{refused}"
    );
    assert_eq!(store.read_back(&other.credential).await.unwrap(), None);

    fs::remove_file(place.secrets.join("..data")).unwrap();
    symlink("..2026_01_01_00_00_00.1", place.secrets.join("..data")).unwrap();
    let refused = deliver(&store, &view(1, 1, &[1]), None).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message().contains("did not write"), "{refused}");
    assert_eq!(store.read_back(&name()).await.unwrap(), None);
}

#[tokio::test]
async fn two_writers_never_write_at_once() {
    let place = place();
    let store = place.store(USUAL);
    let first = view(1, 1, &[1]);
    deliver(&store, &first, None).await.unwrap();
    let lock = fs::File::open(place.secrets.join("..lock")).unwrap();
    lock.try_lock().unwrap();
    let refused = deliver(&store, &view(2, 2, &[2]), Some(&first)).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.retry, refused.effect),
        (ErrorKind::Unavailable, Retry::Later, Effect::None)
    );
    drop(lock);
    deliver(&store, &view(2, 2, &[2]), Some(&first)).await.unwrap();
}
