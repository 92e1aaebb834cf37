//! Files that nobody but their owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use keywheel_domain::ports::{ErrorKind, PortError};

use crate::error::{invalid, storage};

/// What a file is, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct What {
    /// Such as `the key file`.
    pub(crate) name: &'static str,
    /// What to do where somebody may have read it.
    pub(crate) stolen: &'static str,
}

/// Reads a file that nobody else can read or replace, as far as it fits; how much that was. A symbolic link is followed: mounted
/// secrets are links.
pub(crate) fn read(path: &Path, what: What, buffer: &mut [u8]) -> Result<usize, PortError> {
    let doing = format!("read {}", what.name);
    let unreadable = |error| storage(&doing, path, error);
    // A pipe that nobody writes to must not hold us up; files are read the same either way.
    let at_once = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("the system's flags are of this type");
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(at_once)
        .open(path)
        .map_err(unreadable)?;
    // Of the file that was opened, not of the path: nobody can swap another one in between.
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(invalid(format!("{} {} is not a file", what.name, path.display())));
    }
    if found.mode() & 0o077 != 0 {
        return Err(PortError::permanent(
            ErrorKind::Forbidden,
            format!(
                "others than its owner can use {} {1} (mode {2:04o}); run `chmod 600 {1}`, and {3} if somebody may have read it",
                what.name,
                path.display(),
                found.mode() & 0o7777,
                what.stolen
            ),
        ));
    }
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() != ours && found.uid() != 0 {
        return Err(PortError::permanent(
            ErrorKind::Forbidden,
            format!(
                "{} {} belongs to user {}, who can replace it; give it to the user that Keywheel runs as",
                what.name,
                path.display(),
                found.uid()
            ),
        ));
    }
    read_up_to(&mut file, buffer).map_err(unreadable)
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
