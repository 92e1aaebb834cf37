//! Canary secrets are delivered, and everything that is written or said is searched for them.

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};

use keywheel_domain::id::VersionNumber;
use keywheel_domain::material::{Material, Secret};
use keywheel_domain::ports::{Delivery, SecretStore, VersionMaterial, Workload};
use keywheel_domain::version::Attributes;
use keywheel_domain::view::View;
use keywheel_local::config::WorkloadConfig;
use keywheel_local::{LocalWorkload, Surroundings, SystemClock};
use keywheel_testkit::contract::secret_store::view;
use keywheel_testkit::leak::LeakHunter;
use keywheel_testkit::sample::{name, rotation_id, version_id};

use crate::support::{place, surroundings};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A PEM, a password of words and raw bytes, each of which exists nowhere else.
fn canaries(hunter: &mut LeakHunter, number: u64) -> Material {
    let mut plant = |name: &str, seed| hunter.plant(name, number * 10 + seed);
    let (password, body) = (plant("password", 1), plant("pem", 2));
    let body = body.expose_text().unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let material = Material::single("password", password)
        .with("private_pem", Secret::new(pem.into_bytes().into()))
        .with("raw", Secret::new([0xff, 0xfe, 0x80, number as u8].repeat(8).into()));
    hunter.hunt_for_material(&format!("version {number}"), &material);
    material
}

fn delivery(hunter: &mut LeakHunter, view: &View) -> Delivery {
    let version = |number: VersionNumber| VersionMaterial {
        id: version_id(number.0),
        material: canaries(hunter, number.0),
        attributes: Attributes::new(),
    };
    Delivery {
        credential: name(),
        rotation: Some(rotation_id(1)),
        view: view.clone(),
        versions: view.versions().into_iter().map(version).collect(),
    }
}

/// Templates that go wrong in every way, with a secret in their hands.
const MISTAKES: [&str; 8] = [
    "{{ primary.password | upper }}",
    "{{ 'x' ~ primary.private_pem }}",
    "{{ primary.raw }}",
    "{{ primary.password | indent(99) }}",
    "{{ primary[primary.password] }}",
    "{{ primary.password.missing }}",
    "{{ primary.password + 1 }}",
    "{{ primary | tojson }}",
];

#[tokio::test]
async fn no_error_log_name_or_child_ever_holds_material() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut hunter = LeakHunter::new();
    let mut said = Vec::new();
    let first = view(1, 1, &[1, 2]);
    let delivery = delivery(&mut hunter, &first);

    let good = place();
    let store = good.store(
        "folder = 'secrets'\n[[file]]\npath = 'p'\ntemplate = '{{ primary.password }}{{ primary.raw | b64encode }}'\n\
         [[file]]\npath = 'k'\ntemplate = '{{ primary.private_pem }}'",
    );
    said.push(format!("{:?}", store.deliver(&delivery, None).await.unwrap()));
    said.push(format!("{store:?} {delivery:?}"));
    for mistake in MISTAKES {
        let bad = place();
        let store = bad.store(&format!(
            "folder = 'secrets'\n[[file]]\npath = 'p'\ntemplate = \"{mistake}\""
        ));
        let error = store.deliver(&delivery, None).await.unwrap_err();
        said.push(format!("{error:?} {}", error.chain()));
        assert_eq!(hunter.search_path(bad.folder.path()).unwrap(), []);
    }
    said.extend(children(&good).await);
    said.push(String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned());
    said.push(format!("{:?}", good.names()));
    for said in said {
        assert_eq!(hunter.search("what was said", said.as_bytes()), [], "{said}");
    }
    let secret_files = hunter.search_path(&good.secrets.join("..data/p")).unwrap();
    assert!(!secret_files.is_empty(), "the hunter finds what is there");
}

/// What a child is given, and what is kept of a child that prints the very files.
async fn children(place: &crate::support::Place) -> Vec<String> {
    let real = Surroundings {
        clock: Arc::new(SystemClock),
        ..surroundings(place.folder.path())
    };
    let script = "tr '\\0' '\\n' < /proc/$$/environ > told; tr '\\0' ' ' < /proc/$$/cmdline >> told; \
        cat secrets/k secrets/p; cat secrets/k secrets/p >&2; exit 1";
    let config = format!("kind = 'command'\nname = 'api'\nroll_out = ['sh', '-c', '''{script}''']");
    let config: WorkloadConfig = toml::from_str(&config).unwrap();
    let workload = LocalWorkload::new(&config, &real).unwrap();
    let failed = workload
        .roll_out(&rotation_id(1), &name(), &view(1, 1, &[1, 2]))
        .await
        .unwrap_err();
    let told = fs::read_to_string(place.folder.path().join("told")).unwrap();
    assert!(told.contains("KEYWHEEL_REVISION=1"));
    vec![told, format!("{failed:?} {}", failed.chain()), format!("{workload:?}")]
}
