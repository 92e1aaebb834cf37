//! Readers beside a writer.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keywheel_domain::ports::{Clock, SecretStore};
use keywheel_local::config::FileStoreConfig;
use keywheel_local::{FileStore, Surroundings};
use keywheel_testkit::contract::secret_store::{delivery, view};

const READERS: usize = 2;
const SWAPS: u64 = 1000;

/// How often each reader has read a whole set. Real readers are done within the pause that the writer makes; on this clock a
/// pause lasts until every reader that had begun is done, however slow the machine is.
#[derive(Debug, Default)]
struct Passes([AtomicU64; READERS]);

#[async_trait]
impl Clock for Passes {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    async fn sleep(&self, _time: SignedDuration) {
        let before: Vec<u64> = self.0.iter().map(|passes| passes.load(Ordering::SeqCst)).collect();
        for (passes, before) in self.0.iter().zip(before) {
            while before != GONE && passes.load(Ordering::SeqCst) == before {
                tokio::task::yield_now().await;
                std::thread::yield_now();
            }
        }
    }
}

/// The number of a reader that reads no more.
const GONE: u64 = u64::MAX;

/// A reader. One that panics must not leave the writer waiting for it.
struct Reader<'a>(&'a AtomicU64);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.store(GONE, Ordering::SeqCst);
    }
}

const CONFIG: &str = r#"
folder = "secrets"

[[file]]
path = "first"
template = "{{ revision }} {{ primary.password }}"

[[file]]
path = "second"
template = "{{ revision }} {{ primary.password }}"
"#;

/// Resolves the link once and reads everything through it: never an error, never half a file, never two revisions.
fn read_sets(secrets: &Path, passes: &AtomicU64, stop: &AtomicBool) -> u64 {
    let reader = Reader(passes);
    let mut last = 0;
    while !stop.load(Ordering::SeqCst) {
        let base = fs::canonicalize(secrets.join("..data")).unwrap();
        let read = |name: &str| fs::read_to_string(base.join(name)).unwrap();
        let (first, second, marker) = (read("first"), read("second"), read("view.json"));
        assert_eq!(first, second);
        let revision = first.split(' ').next().unwrap();
        assert!(
            marker.contains(&format!("\"revision\": {revision},")),
            "{marker} beside {first}"
        );
        let revision = revision.parse().unwrap();
        assert!(revision >= last);
        last = revision;
        reader.0.fetch_add(1, Ordering::SeqCst);
        std::thread::yield_now();
    }
    last
}

/// Looks without a pause: there is no moment without a link.
fn resolve(secrets: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        fs::read_link(secrets.join("..data")).unwrap();
    }
}

/// On a file system in memory where there is one: a thousand synced swaps are slow on a disk and prove no more.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

#[test]
fn a_reader_that_resolves_the_link_once_never_sees_a_mixed_set() {
    let folder = scratch();
    let passes = Arc::new(Passes::default());
    let surroundings = Surroundings {
        base: folder.path().to_owned(),
        clock: Arc::clone(&passes) as Arc<dyn Clock>,
    };
    let config: FileStoreConfig = toml::from_str(CONFIG).unwrap();
    let store = FileStore::new(&config, &surroundings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut shown = view(1, 1, &[1]);
    runtime.block_on(store.deliver(&delivery(&shown), None)).unwrap();

    let secrets = folder.path().join("secrets");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = passes
            .0
            .iter()
            .map(|passes| scope.spawn(|| read_sets(&secrets, passes, &stop)))
            .collect();
        let resolver = scope.spawn(|| resolve(&secrets, &stop));
        for revision in 2..=SWAPS + 1 {
            if resolver.is_finished() || readers.iter().any(|reader| reader.is_finished()) {
                break;
            }
            let next = view(revision, revision, &[revision]);
            runtime.block_on(store.deliver(&delivery(&next), Some(&shown))).unwrap();
            shown = next;
        }
        stop.store(true, Ordering::SeqCst);
        assert!(resolver.join().is_ok(), "there was a moment without a link");
        assert!(readers.into_iter().all(|reader| reader.join().is_ok()));
    });
    assert_eq!(shown.revision.0, SWAPS + 1);
}
