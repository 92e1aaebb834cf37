//! Requests to the API. Objects stay JSON: a typed round trip would lose what it does not know.

use std::io;

use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use kube::client::Body;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cluster::{Cluster, Link};
use crate::error::{Failure, Said};

/// How long an answer may take.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// No answer is longer: a list of everything in a namespace is what may come close.
const LONGEST: usize = 256 * 1024 * 1024;
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const JSON: &str = "application/json";

/// How an object is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patch {
    /// Server-side apply.
    Apply,
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    content: &'static str,
    accept: &'static str,
    body: Zeroizing<Vec<u8>>,
    /// Whether it holds material, which no error may repeat.
    quiet: bool,
}

impl Call {
    fn new(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            content: JSON,
            accept: JSON,
            body: Zeroizing::default(),
            quiet: false,
        }
    }

    pub(crate) fn get(path: String) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn create(path: String, object: &Value) -> Self {
        Self::post(path, Zeroizing::new(object.to_string().into_bytes()))
    }

    pub(crate) fn post(path: String, body: Zeroizing<Vec<u8>>) -> Self {
        Self {
            body,
            ..Self::new(Method::POST, path)
        }
    }

    pub(crate) fn patch(path: String, patch: Patch, body: Zeroizing<Vec<u8>>) -> Self {
        Self {
            content: match patch {
                Patch::Apply => "application/apply-patch+yaml",
                Patch::Merge => "application/merge-patch+json",
                Patch::Json => "application/json-patch+json",
            },
            body,
            ..Self::new(Method::PATCH, path)
        }
    }

    /// The same, answered with the object's metadata alone: without material, where it is a Secret.
    #[must_use]
    pub(crate) fn metadata_only(self) -> Self {
        Self {
            accept: METADATA_ONLY,
            ..self
        }
    }

    /// The same, holding material.
    #[must_use]
    pub(crate) fn with_material(self) -> Self {
        Self { quiet: true, ..self }
    }
}

impl Cluster {
    /// Sends the request and reads the whole answer. A login that has expired is renewed once.
    pub(crate) async fn call(&self, call: &Call) -> Result<Value, Failure> {
        let work = async {
            let response = self.send(call).await?;
            let body = whole(response.into_body()).await?;
            serde_json::from_slice(&body).map_err(|_| Failure::Garbled("the answer"))
        };
        tokio::select! {
            biased;
            answer = work => answer,
            () = self.clock.sleep(PATIENCE) => Err(Failure::TimedOut(PATIENCE)),
        }
    }

    /// Sends the request and leaves the answer open.
    pub(crate) async fn open(&self, call: &Call) -> Result<Body, Failure> {
        tokio::select! {
            biased;
            answer = self.send(call) => answer.map(Response::into_body),
            () = self.clock.sleep(PATIENCE) => Err(Failure::TimedOut(PATIENCE)),
        }
    }

    /// The answer's head, where it is a success.
    async fn send(&self, call: &Call) -> Result<Response<Body>, Failure> {
        let link = self.link().await?;
        match attempt(&link, call).await {
            Err(failure) if failure.is(401) => {
                tracing::debug!("the login was refused; reading it anew");
                attempt(&*self.renewed(&link).await?, call).await
            }
            answered => answered,
        }
    }

    /// The namespace that is meant where none is named.
    pub(crate) async fn namespace(&self, named: Option<&str>) -> Result<String, Failure> {
        match named {
            Some(named) => Ok(named.to_owned()),
            None => Ok(self.link().await?.namespace.clone()),
        }
    }
}

async fn attempt(link: &Link, call: &Call) -> Result<Response<Body>, Failure> {
    // Wiped when the last part of it was sent.
    let body = bytes::Bytes::from_owner(call.body.clone());
    let request = Request::builder()
        .method(&call.method)
        .uri(&call.path)
        .header(header::ACCEPT, call.accept)
        .header(header::CONTENT_TYPE, call.content)
        .header(header::USER_AGENT, "keywheel")
        .body(Body::from(body))
        .map_err(|_| Failure::Unequipped("a name in the configuration cannot stand in an address".to_owned()))?;
    let response = link.client.send(request).await.map_err(|error| broken(&error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let code = response.status().as_u16();
    let retry_after = retry_after(&response);
    let body = whole(response.into_body()).await?;
    Err(Failure::Said(Box::new(Said::read(
        code,
        retry_after,
        &body,
        call.quiet,
    ))))
}

fn retry_after(response: &Response<Body>) -> Option<SignedDuration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: i64 = value.parse().ok()?;
    (seconds > 0).then(|| SignedDuration::from_secs(seconds))
}

async fn whole(mut body: Body) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > LONGEST {
                return Err(Failure::Garbled("the answer, which has no end,"));
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

/// A connection that did not come about, or ended.
fn broken(error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut why = Vec::new();
    let mut refused = false;
    let mut cause = Some(error);
    while let Some(next) = cause {
        let io = next.downcast_ref::<io::Error>();
        refused |= io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
        if next.is::<kube::client::AuthError>() {
            // Its own words may hold what a login program printed.
            return Failure::Unequipped(
                "the kubeconfig's login cannot be used; see whether `kubectl --kubeconfig` can".to_owned(),
            );
        }
        why.push(next.to_string());
        cause = next.source();
    }
    let why = why.pop().unwrap_or_default();
    if refused {
        Failure::Unreachable(why)
    } else {
        Failure::Lost(why)
    }
}

/// A value in a query, percent-encoded.
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
