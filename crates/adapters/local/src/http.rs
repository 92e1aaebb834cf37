//! One HTTP request: a time limit, a size limit, no redirects, no proxies, and no secret in any error.

use std::fmt;
use std::io;

use jiff::SignedDuration;
use keywheel_domain::ports::{Clock, ErrorKind, PortError};
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::error::invalid;

/// Sends requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Client(reqwest::Client);

/// An address without a login in it.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    url: Url,
    /// Without its query, which may hold a key.
    shown: String,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// From the request to the end of the answer.
    pub(crate) took: SignedDuration,
}

/// Why there was no whole answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The host is there, and nobody listens or the connection was cut.
    TurnedAway(String),
    /// The time was up.
    TimedOut(SignedDuration),
    /// Anything else: the name does not resolve, the certificate is wrong, the answer is too long.
    Broken(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TurnedAway(why) | Self::Broken(why) => f.write_str(why),
            Self::TimedOut(limit) => write!(f, "no answer within {limit:#}"),
        }
    }
}

impl Client {
    pub(crate) fn new() -> Result<Self, PortError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("keywheel")
            .build();
        client.map(Self).map_err(|error| {
            let message = "no HTTP requests can be made; see whether the system's CA certificates are installed";
            PortError::permanent(ErrorKind::Internal, message).caused_by(error.without_url())
        })
    }

    /// Asks the address once. `headers` may hold secrets and appear nowhere.
    pub(crate) async fn get(
        &self,
        address: &Address,
        headers: Option<HeaderMap>,
        timeout: SignedDuration,
        limit: usize,
        clock: &dyn Clock,
    ) -> Result<Answer, Failure> {
        let began = clock.monotonic();
        let request = self.0.get(address.url.clone()).headers(headers.unwrap_or_default());
        let whole = async {
            let mut response = request.send().await.map_err(failure)?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failure)? {
                if body.len() + chunk.len() > limit {
                    return Err(Failure::Broken(format!("the answer is longer than {limit} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            Ok((response.status().as_u16(), body))
        };
        let answered = tokio::select! {
            biased;
            answered = whole => answered,
            () = clock.sleep(timeout) => Err(Failure::TimedOut(timeout)),
        };
        answered.map(|(status, body)| Answer {
            status,
            body,
            took: clock.monotonic() - began,
        })
    }
}

impl Address {
    /// # Errors
    /// `Invalid` for what is no HTTP address, and for one with a login in it.
    pub(crate) fn new(text: &str) -> Result<Self, PortError> {
        let url = Url::parse(text).ok();
        let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        let url =
            url.ok_or_else(|| invalid("an address is not one of http or https; write it as `https://host/path`"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "an address has a login in it, which everybody can read in the configuration; put an `Authorization` line into a `headers_file`",
            ));
        }
        let mut shown = url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        Ok(Self {
            url,
            shown: shown.to_string(),
        })
    }

    /// For people.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }
}

fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut causes = vec![error.to_string()];
    let mut turned_away = false;
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        turned_away |= next.downcast_ref::<io::Error>().is_some_and(is_turned_away);
        causes.push(next.to_string());
        cause = next.source();
    }
    let why = causes.join(": ");
    match turned_away {
        true => Failure::TurnedAway(why),
        false => Failure::Broken(why),
    }
}

fn is_turned_away(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionRefused, ConnectionReset, ConnectionAborted, BrokenPipe].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_query() {
        let address = Address::new("https://api.example.com/health?key=canary-4711#x").unwrap();
        assert_eq!(address.shown(), "https://api.example.com/health");
    }

    #[test]
    fn a_login_in_an_address_is_refused_without_repeating_it() {
        for bad in [
            "https://user:canary@host/",
            "https://canary@host/",
            "ftp://canary/",
            "canary",
        ] {
            let refused = Address::new(bad).unwrap_err();
            assert!(!refused.chain().contains("canary"), "{refused}");
        }
    }
}
