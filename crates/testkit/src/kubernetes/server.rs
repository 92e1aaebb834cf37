//! The server: HTTP/1 on a port of this machine.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::Shared;
use super::fault::{self, Mishap};
use super::request::{Request, partial};
use super::route::Place;
use super::selector::Selector;
use super::status::{Answer, Refusal, failure, gone};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Listens until the task is aborted.
pub(super) async fn start(shared: Arc<Shared>) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // Dropped together with this task.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, shared.clone()));
            while connections.try_join_next().is_some() {}
        }
    });
    Ok((address, task))
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| handle(request, shared.clone()));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that goes away is no concern of a server.
    let _ = connection.await;
}

/// An error ends the connection without an answer.
async fn handle(request: hyper::Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let Some(request) = Request::read(parts.method.as_str(), target, &header, &body) else {
        let refusal = failure(
            404,
            "NotFound",
            "the server could not find the requested resource",
            json!({}),
        );
        return Ok(whole(*refusal));
    };
    let mishap = {
        let mut world = shared.lock();
        world.requests.push(format!("{} {}", request.method, request.target));
        fault::strike(&mut world.faults, &request)
    };
    let lost = || Err(io::ErrorKind::ConnectionReset.into());
    match mishap {
        Some(Mishap::CutBefore) => lost(),
        Some(Mishap::Status(code)) => Ok(whole(*failure(code, "InternalError", "it was told to", json!({})))),
        Some(Mishap::Throttled(seconds)) => Ok(throttled(seconds)),
        Some(Mishap::CutAfter) => {
            answer(&shared, &request);
            lost()
        }
        None => Ok(match watched(&shared, &request) {
            Some(Ok(watch)) => watch,
            Some(Err(refusal)) => whole(*refusal),
            None => whole(answer(&shared, &request)),
        }),
    }
}

fn answer(shared: &Shared, request: &Request) -> Answer {
    shared.change(|world| {
        let allowed = admitted(world, request);
        let answered = allowed.and_then(|()| world.answer(request));
        let mut answer = answered.unwrap_or_else(|refusal| *refusal);
        if request.metadata_only {
            answer.body = partial(answer.body);
        }
        answer
    })
}

/// Who asks, and whether he may.
fn admitted(world: &super::world::World, request: &Request) -> Result<(), Refusal> {
    if request.token != world.token {
        return Err(failure(401, "Unauthorized", "Unauthorized", json!({})));
    }
    let (verb, resource) = request.verb();
    if world.denied.contains(&(verb.clone(), resource.clone())) {
        let message = format!("{resource} is forbidden: User \"keywheel\" cannot {verb} resource {resource:?}");
        return Err(failure(403, "Forbidden", message, json!({"kind": resource})));
    }
    Ok(())
}

fn whole(answer: Answer) -> Response<Body> {
    let text = match answer.body {
        Value::String(text) => text,
        body => body.to_string(),
    };
    response(answer.code, answer.retry_after, Full::from(text).boxed_unsync())
}

fn throttled(seconds: u64) -> Response<Body> {
    let text = "Too many requests, please try again later.";
    response(429, Some(seconds), Full::from(text).boxed_unsync())
}

fn response(code: u16, retry_after: Option<u64>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A stream of what happens, where that is asked for.
fn watched(shared: &Arc<Shared>, request: &Request) -> Option<Result<Response<Body>, Refusal>> {
    let Place::Collection(kind, namespace) = &request.place else {
        return None;
    };
    if !request.is_watch() {
        return None;
    }
    let since = request
        .query
        .get("resourceVersion")
        .and_then(|version| version.parse().ok());
    let (allowed, newest) = {
        let world = shared.lock();
        (admitted(&world, request), world.objects.version())
    };
    let selector = match allowed.and_then(|()| Selector::of(&request.query)) {
        Ok(selector) => selector,
        Err(refusal) => return Some(Err(refusal)),
    };
    let (kind, namespace, metadata_only) = (*kind, namespace.clone(), request.metadata_only);
    let follower = Follower {
        shared: shared.clone(),
        pulse: shared.pulse.subscribe(),
        round: shared.round(),
        since: since.unwrap_or(newest),
        over: false,
        wants: Box::new(move |key| key.kind == kind && (namespace.is_empty() || key.namespace == namespace)),
        selector,
        metadata_only,
    };
    let frames = stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok(Frame::data(Bytes::from(text))), follower))
    });
    Some(Ok(response(200, None, StreamBody::new(frames).boxed_unsync())))
}

/// One watch.
struct Follower {
    shared: Arc<Shared>,
    pulse: tokio::sync::watch::Receiver<()>,
    round: u64,
    since: u64,
    over: bool,
    wants: Box<dyn Fn(&super::route::Key) -> bool + Send>,
    selector: Selector,
    metadata_only: bool,
}

impl Follower {
    /// The next events as lines; `None` where the watch has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            self.pulse.borrow_and_update();
            if self.over || self.shared.round() != self.round {
                return None;
            }
            let text = self.news();
            if !text.is_empty() {
                return Some(text);
            }
            self.pulse.changed().await.ok()?;
        }
    }

    fn news(&mut self) -> String {
        let shared = self.shared.clone();
        let world = shared.lock();
        let Some(events) = world.objects.since(self.since) else {
            self.over = true;
            return line("ERROR", gone().body);
        };
        let mut text = String::new();
        for event in events.filter(|event| (self.wants)(&event.key)) {
            let taken = |object: &Value| !object.is_null() && self.selector.takes(object);
            let shown = |object: &Value, version: u64| {
                let mut object = object.clone();
                object["metadata"]["resourceVersion"] = json!(version.to_string());
                if self.metadata_only { partial(object) } else { object }
            };
            match (taken(&event.before), taken(&event.after)) {
                (false, true) => text += &line("ADDED", shown(&event.after, event.version)),
                (true, true) => text += &line("MODIFIED", shown(&event.after, event.version)),
                (true, false) => text += &line("DELETED", shown(&event.before, event.version)),
                (false, false) => {}
            }
        }
        self.since = world.objects.version();
        text
    }
}

fn line(kind: &str, object: Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}
