//! What the process finds around itself. The only place that reads the environment beside the arguments.

use std::os::unix::fs::MetadataExt;

use zeroize::Zeroizing;

/// The value of an environment variable, wiped when it is dropped; `None` where it is not set or no text.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge where the environment is read, one named variable at a time"
)]
pub(crate) fn variable(name: &str) -> Option<Zeroizing<String>> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .map(Zeroizing::new)
}

/// Who runs this process: the person behind `sudo`, the user's name, or else the number of the user.
pub(crate) fn user() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(variable);
    named
        .map(|name| name.to_string())
        .or_else(user_of_the_process)
        .unwrap_or_else(|| "unknown".to_owned())
}

fn user_of_the_process() -> Option<String> {
    let number = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users
        .lines()
        .find(|line| line.split(':').nth(2) == Some(number.as_str()));
    let name = line
        .and_then(|line| line.split(':').next())
        .filter(|name| !name.is_empty());
    Some(name.map_or_else(|| format!("user {number}"), str::to_owned))
}

/// The name of this machine, as far as it can stand in a driver's id.
pub(crate) fn host() -> String {
    let file = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = file
        .or_else(|| variable("HOSTNAME").map(|name| name.to_string()))
        .unwrap_or_default();
    let legal: String = name
        .trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .take(60)
        .collect();
    if legal.trim_matches('.').is_empty() {
        "host".to_owned()
    } else {
        legal
    }
}

/// Whether the terminal shows more than ASCII, by the locale.
pub(crate) fn shows_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"))
}
