//! The sections of the configuration file.

use keywheel_local::config::{ArchiveConfig, FileStoreConfig, KeyConfig, ProbeConfig, WorkloadConfig};
use serde::de::DeserializeOwned;

fn refusal<T: DeserializeOwned>(text: &str) -> String {
    match toml::from_str::<T>(text) {
        Ok(_) => panic!("it was read: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn unknown_fields_are_refused_everywhere_with_their_line() {
    let unknown = "unknown field `tiemout`";
    for refused in [
        refusal::<FileStoreConfig>("folder = 'a'\ntiemout = 1"),
        refusal::<FileStoreConfig>("folder = 'a'\n[[file]]\npath = 'b'\ntiemout = 1"),
        refusal::<WorkloadConfig>("kind = 'command'\nname = 'a'\nroll_out = ['b']\ntiemout = 1"),
        refusal::<WorkloadConfig>("kind = 'none'\nname = 'a'\ntiemout = 1"),
        refusal::<WorkloadConfig>("kind = 'none'\nname = 'a'\n[report]\ntiemout = 1"),
        refusal::<ProbeConfig>("kind = 'command'\nname = 'a'\ncommand = ['b']\ntiemout = 1"),
        refusal::<ProbeConfig>("kind = 'http'\nname = 'a'\nurl = 'b'\ntiemout = 1"),
        refusal::<ProbeConfig>("kind = 'http'\nname = 'a'\nurl = 'b'\n[[json]]\npointer = '/a'\ntiemout = 1"),
        refusal::<ArchiveConfig>("folder = 'a'\ntiemout = 1"),
        refusal::<KeyConfig>("file = 'a'\ntiemout = 1"),
        refusal::<KeyConfig>("file = 'a'\n[[old]]\ntiemout = 1"),
    ] {
        assert!(refused.contains(unknown), "{refused}");
    }
}

#[test]
fn wrong_units_and_modes_are_refused_with_an_example() {
    let length = refusal::<WorkloadConfig>("kind = 'command'\nname = 'a'\nroll_out = ['b']\ntimeout = '5 parsecs'");
    assert!(length.contains("write `90 s`"), "{length}");
    let mode = refusal::<FileStoreConfig>("folder = 'a'\nfolder_mode = 'rwx'");
    assert!(mode.contains("such as \"0640\""), "{mode}");
    assert!(refusal::<WorkloadConfig>("kind = 'nothing'\nname = 'a'").contains("unknown variant"));
    assert!(refusal::<FileStoreConfig>("folder = 'a'\npreset = 'jwt'").contains("key_ring"));
}
