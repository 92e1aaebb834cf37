//! The only file that prints. Data goes to standard output, everything else to standard error.

mod live;
mod style;

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::args::Color;
pub(crate) use live::Live;
pub(crate) use style::Style;

/// Whether standard output failed for another reason than that nobody reads it any more.
static LOST: AtomicBool = AtomicBool::new(false);

/// Decides about colours for the rest of the process. `auto` follows NO_COLOR, CLICOLOR, CLICOLOR_FORCE and the terminal.
pub(crate) fn choose_color(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// One line of data.
pub(crate) fn line(text: impl AsRef<str>) {
    let written = writeln!(anstream::stdout(), "{}", text.as_ref());
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Bytes of data as they are: a manual page, a completion script.
pub(crate) fn raw(bytes: &[u8]) {
    let written = std::io::stdout().write_all(bytes);
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// A document of data on one line.
pub(crate) fn json(value: &impl Serialize) {
    let text = serde_json::to_string(value).expect("reports have text keys only and no value that JSON cannot hold");
    line(text);
}

/// Something that people should see, and that is no data.
pub(crate) fn note(text: impl AsRef<str>) {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
}

/// Something that people should heed.
pub(crate) fn warn(text: impl AsRef<str>) {
    note(format!("{} {}", Style::Warn.paint("warning:"), text.as_ref()));
}

/// An error with all its causes, each said once.
pub(crate) fn error(error: &anyhow::Error) {
    note(format!("{} {error}", Style::Bad.paint("error:")));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            note(format!("  {} {text}", Style::Dim.paint("caused by:")));
        }
        said = text;
    }
}

/// Whether a question can be asked: somebody can read it and answer.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether data was lost on its way out, because of a full disk for example.
pub(crate) fn lost_data() -> bool {
    let flushed = std::io::stdout().flush();
    LOST.load(Ordering::Relaxed) || flushed.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe)
}
