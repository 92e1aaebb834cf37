//! One request: a time limit, a size limit, no redirects, no proxies, and no secret in any error.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use jiff::SignedDuration;
use keywheel_domain::ports::{Clock, ErrorKind, PortError, SecretSource};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{broken, invalid, not_understood, refused, timed_out};

/// One number, or the alerts of one service, are far less.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;
/// Of what a server says about a refusal.
const SHOWN_CHARACTERS: usize = 300;

/// A server that is asked.
#[derive(Debug)]
pub(crate) struct Client {
    requests: reqwest::Client,
    base: Url,
    token: Option<Arc<dyn SecretSource>>,
    timeout: SignedDuration,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// # Errors
    /// `Invalid` for an address that is none, or has a login in it, and for a file of certificates that is none.
    pub(crate) fn new(
        url: &str,
        ca_file: Option<&Path>,
        timeout: SignedDuration,
        token: Option<Arc<dyn SecretSource>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PortError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("keywheel");
        if let Some(file) = ca_file {
            builder = builder.tls_certs_only(certificates(file)?);
        }
        let requests = builder.build().map_err(|error| {
            let message = "no HTTP requests can be made; see whether the system's CA certificates are installed";
            PortError::permanent(ErrorKind::Internal, message).caused_by(error.without_url())
        })?;
        Ok(Self {
            requests,
            base: base(url)?,
            token,
            timeout,
            clock,
        })
    }

    /// The server, for people.
    pub(crate) fn server(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Asks below the server's address, with these parameters.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, PortError> {
        let mut url = self
            .base
            .join(path)
            .map_err(|_| invalid("an address cannot be put together"))?;
        url.query_pairs_mut().extend_pairs(query);
        let asked = self.ask(url, self.headers().await?);
        let (status, body) = match select(pin!(asked), self.clock.sleep(self.timeout)).await {
            Either::Left((answer, _)) => answer?,
            Either::Right(_) => return Err(timed_out(self.server(), self.timeout)),
        };
        if !(200..300).contains(&status) {
            return Err(refused(self.server(), status, &explanation(&body)));
        }
        serde_json::from_slice(&body).map_err(|error| not_understood(self.server(), error))
    }

    async fn ask(&self, url: Url, headers: HeaderMap) -> Result<(u16, Vec<u8>), PortError> {
        let failed = |error| broken(self.server(), error);
        let mut response = self.requests.get(url).headers(headers).send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                let message = format!(
                    "{} answered more than {ANSWER_LIMIT} bytes; ask for less",
                    self.server()
                );
                return Err(PortError::permanent(ErrorKind::Invalid, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), body))
    }

    /// The token is read anew each time: it is a credential, too, and may be rotated.
    async fn headers(&self) -> Result<HeaderMap, PortError> {
        let mut headers = HeaderMap::new();
        let Some(source) = &self.token else {
            return Ok(headers);
        };
        let token = source.read().await?;
        let text = token.expose_text().unwrap_or_default().trim();
        let line = Zeroizing::new(format!("Bearer {text}"));
        let mut value = HeaderValue::from_str(&line)
            .map_err(|_| invalid("the token holds characters that no header may have; write it on one line"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, PortError> {
    let unusable = |why: String| invalid(format!("`ca_file` {}: {why}", file.display()));
    let pem = fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|_| unusable("it is no PEM file".to_owned()))?;
    match found.is_empty() {
        true => Err(unusable("there is no certificate in it".to_owned())),
        false => Ok(found),
    }
}

/// The address, with a path that others can be joined to.
fn base(text: &str) -> Result<Url, PortError> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let mut url =
        url.ok_or_else(|| invalid("`url` is not one of http or https; write it as `https://prometheus.example.com`"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            "`url` has a login in it, which everybody can read in the configuration; use `token_file` or `token_env`",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// What a server says about a refusal: Prometheus in an object, Alertmanager in a bare text.
fn explanation(body: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Object { error: String },
        Text(String),
    }
    let said = match serde_json::from_slice(body) {
        Ok(Said::Object { error } | Said::Text(error)) => error,
        // A proxy before it may print anything.
        Err(_) => return String::new(),
    };
    said.chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{base, explanation};

    #[test]
    fn a_path_before_the_api_is_kept() {
        for (given, shown) in [
            ("http://host:9090", "http://host:9090/"),
            ("https://host/prometheus?x=1", "https://host/prometheus/"),
        ] {
            assert_eq!(base(given).unwrap().as_str(), shown);
        }
    }

    #[test]
    fn a_login_in_an_address_is_refused_without_repeating_it() {
        for bad in ["https://user:canary@host/", "ftp://canary/", "canary"] {
            let refused = base(bad).unwrap_err();
            assert!(!refused.chain().contains("canary"), "{refused}");
        }
    }

    #[test]
    fn what_a_server_explains_is_shown_and_what_a_proxy_prints_is_not() {
        assert_eq!(
            explanation(br#"{"status":"error","error":"1:1: parse error"}"#),
            "1:1: parse error"
        );
        assert_eq!(explanation(br#""bad matcher format""#), "bad matcher format");
        assert_eq!(explanation(b"<html>token=canary</html>"), "");
    }
}
