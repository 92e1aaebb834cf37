//! Where reports are read.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{ErrorKind, PortError};
use tokio::task::spawn_blocking;

use super::report::Found;
use crate::command::{CommandLine, Failure, Run};
use crate::config::{ReportConfig, Surroundings};
use crate::error::{invalid, lost};
use crate::files;
#[cfg(feature = "http")]
use crate::http::{Address, Client};

/// Reports of thousands of instances are smaller.
const REPORT_LIMIT: usize = 1024 * 1024;

/// A place that reports come from.
#[derive(Debug)]
pub(super) struct Source {
    kind: Kind,
    timeout: SignedDuration,
    stale_after: SignedDuration,
}

#[derive(Debug)]
enum Kind {
    Files(Vec<PathBuf>),
    Command(CommandLine),
    #[cfg(feature = "http")]
    Url(Client, Address),
}

impl Source {
    pub(super) fn new(workload: &str, config: &ReportConfig) -> Result<Self, PortError> {
        let kind = match (config.files.as_slice(), &config.command, &config.url) {
            (files @ [_, ..], None, None) => Kind::Files(files.to_vec()),
            ([], Some(words), None) => Kind::Command(CommandLine::new(
                &format!("`report.command` of the workload {workload}"),
                words,
            )?),
            #[cfg(feature = "http")]
            ([], None, Some(url)) => Kind::Url(Client::new()?, Address::new(url)?),
            #[cfg(not(feature = "http"))]
            ([], None, Some(_)) => return Err(crate::error::without_http(workload)),
            _ => {
                return Err(invalid(format!(
                    "the `report` of the workload {workload} needs exactly one of `files`, `command` and `url`"
                )));
            }
        };
        Ok(Self {
            kind,
            timeout: config.timeout.0,
            stale_after: config.stale_after.0,
        })
    }

    pub(super) fn stale_after(&self) -> SignedDuration {
        self.stale_after
    }

    /// Every place with what was there.
    ///
    /// # Errors
    /// Where the command or the address cannot be asked. What one file lacks is part of the answer.
    pub(super) async fn read(
        &self,
        surroundings: &Surroundings,
        credential: &CredentialName,
    ) -> Result<Vec<Found>, PortError> {
        let now = surroundings.clock.now();
        match &self.kind {
            Kind::Files(patterns) => {
                let patterns: Vec<_> = patterns.iter().map(|pattern| surroundings.base.join(pattern)).collect();
                let credential = credential.clone();
                spawn_blocking(move || read_files(&patterns, &credential, now))
                    .await
                    .map_err(lost)
            }
            Kind::Command(command) => {
                let printed = self.ask_command(command, surroundings, credential).await?;
                Ok(Found::read(command.program(), &printed, credential, now))
            }
            #[cfg(feature = "http")]
            Kind::Url(client, address) => {
                let answer = self.ask_address(client, address, surroundings).await?;
                Ok(Found::read(address.shown(), &answer, credential, now))
            }
        }
    }

    async fn ask_command(
        &self,
        command: &CommandLine,
        surroundings: &Surroundings,
        credential: &CredentialName,
    ) -> Result<Vec<u8>, PortError> {
        let run = Run {
            surroundings,
            timeout: self.timeout,
            limit: REPORT_LIMIT,
            variables: &[("KEYWHEEL_CREDENTIAL", credential.to_string())],
        };
        let failed = |kind, problem: String| {
            let program = command.program();
            Err(PortError::transient(
                kind,
                format!("the report of `{program}` cannot be had: {problem}"),
            ))
        };
        match command.run(run).await {
            Ok(ended) if ended.status.success() && !ended.stdout.cut => Ok(ended.stdout.bytes.to_vec()),
            Ok(ended) if ended.status.success() => {
                failed(ErrorKind::Invalid, format!("it is longer than {REPORT_LIMIT} bytes"))
            }
            Ok(ended) => failed(ErrorKind::Unavailable, ended.story()),
            Err(Failure::TimedOut) => failed(ErrorKind::TimedOut, format!("no end within {:#}", self.timeout)),
            Err(Failure::NotStarted(error) | Failure::Lost(error)) => failed(ErrorKind::Unavailable, error.to_string()),
        }
    }

    #[cfg(feature = "http")]
    async fn ask_address(
        &self,
        client: &Client,
        address: &Address,
        surroundings: &Surroundings,
    ) -> Result<Vec<u8>, PortError> {
        let failed = |problem: String| {
            let message = format!("the report at {} cannot be had: {problem}", address.shown());
            PortError::transient(ErrorKind::Unavailable, message)
        };
        let clock = surroundings.clock.as_ref();
        let answer = client.get(address, None, self.timeout, REPORT_LIMIT, clock).await;
        let answer = answer.map_err(|failure| failed(failure.to_string()))?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(failed(format!("it answered with status {status}"))),
        }
    }
}

fn read_files(patterns: &[PathBuf], credential: &CredentialName, now: Timestamp) -> Vec<Found> {
    let paths = patterns.iter().flat_map(|pattern| expand(pattern));
    paths.flat_map(|path| read_file(&path, credential, now)).collect()
}

/// The files that a pattern stands for; a name without `*` stands for itself, whether it is there or not.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().unwrap_or_default();
    if !name.to_str().is_some_and(|name| name.contains('*')) {
        return vec![pattern.to_owned()];
    }
    let folder = files::parent(pattern);
    let names = files::names_in(folder).unwrap_or_default();
    let fitting = names
        .into_iter()
        .filter(|found| files::fits(name, found) && !is_hidden(found));
    fitting.map(|name| folder.join(name)).collect()
}

/// Files that are being written have such names.
fn is_hidden(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with('.'))
}

fn read_file(path: &Path, credential: &CredentialName, now: Timestamp) -> Vec<Found> {
    let place = path.display().to_string();
    match read_bounded(path, now) {
        Ok((bytes, seen)) => Found::read(&place, &bytes, credential, seen),
        Err(error) => vec![Found::nothing(&place, format!("its report cannot be read: {error}"))],
    }
}

/// The bytes of a file and when it was changed.
fn read_bounded(path: &Path, now: Timestamp) -> io::Result<(Vec<u8>, Timestamp)> {
    let file = File::open(path)?;
    let changed = file.metadata()?.modified()?;
    let mut bytes = Vec::new();
    file.take(REPORT_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > REPORT_LIMIT {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok((bytes, Timestamp::try_from(changed).unwrap_or(now))),
    }
}
