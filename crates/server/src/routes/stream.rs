//! Events as a stream of server-sent events.
//!
//! Each stream reads the journal by itself, as fast as its client takes what it has read: a slow
//! client holds one batch in memory and slows nobody. The id of an event is its place, so a client
//! that comes back with `Last-Event-ID` goes on without a gap or a repeat, also after a restart of
//! the server.

use super::events::place;
use crate::answer::Answer;
use crate::app::App;
use crate::edge::EventReader;
use crate::events::{Batch, Follower, Limits, Wanted};
use crate::input::query::{Asked, Place, StreamQuery};
use crate::problem::{Fault, Problem};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use courant_engine::Lsn;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Interval;

/// What one read takes; the client has to take it before the next.
const READ: Limits = Limits { events: 256, records: 10_000, bytes: 256 * 1024 };

/// Says that the stream lives; clients ignore it.
const COMMENT: Bytes = Bytes::from_static(b": courant\n\n");

#[utoipa::path(
    get, path = "/v1/events/stream", tag = "events", operation_id = "follow_events",
    summary = "Follow events as server-sent events",
    description = "Each has its id, its type as `event`, and the CloudEvent as `data`. Resume with \
        `Last-Event-ID`: no gap, no repeat. `after=latest` begins with what is to come. An id \
        without data stands first: where the stream begins.",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen"),
    ),
    security(("api_key" = ["events:read"])),
    responses((status = 200, description = "Events for as long as both sides are there",
        body = String, content_type = "text/event-stream")),
)]
pub(super) async fn follow(
    State(app): State<Arc<App>>,
    _: EventReader,
    Asked(query): Asked<StreamQuery>,
    headers: HeaderMap,
) -> Answer {
    let wanted = Wanted::parse(query.kind.as_deref())?;
    let after = match (headers.get("last-event-id"), &query.after) {
        (Some(id), _) => place(&app, "Last-Event-ID", id.to_str().unwrap_or_default())?,
        (None, Some(after)) => place(&app, "after", after)?,
        (None, None) => Place::BEGIN,
    };
    let permit = Arc::clone(&app.streams).try_acquire_owned();
    let follower = Follower::new(app.node.clone(), &app.source, after, wanted)?;
    let mut silence = tokio::time::interval(app.config.heartbeat_interval);
    // Else the first tick comes at once.
    silence.reset();
    let stream = EventStream {
        follower,
        at_begin: true,
        at_end: false,
        silence,
        durable: app.durable.clone(),
        closing: app.closing.clone(),
        _permit: permit.map_err(|_| Fault::StreamsFull)?,
        app,
    };
    Ok(respond(stream))
}

fn respond(stream: EventStream) -> Response {
    let events = futures_util::stream::unfold(stream, EventStream::next);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, Body::from_stream(events)).into_response()
}

struct EventStream {
    follower: Follower,
    /// Nothing has been given out yet.
    at_begin: bool,
    /// Everything that was durable at the last read has been given out.
    at_end: bool,
    /// Ticks when nothing was given out for so long that the client would want a sign of life.
    silence: Interval,
    durable: watch::Receiver<Lsn>,
    closing: watch::Receiver<bool>,
    app: Arc<App>,
    _permit: OwnedSemaphorePermit,
}

impl EventStream {
    /// The next piece of the stream: at first where it begins, so that a client that breaks off
    /// before it has seen an event can come back; then some events, or a comment after a silence.
    /// A read that finds nothing for the client gives it nothing. `None` ends the stream.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, EventStream)> {
        if std::mem::take(&mut self.at_begin) {
            let begin = format!("id: {}\n\n", self.follower.after());
            return Some((Ok(begin.into()), self));
        }
        loop {
            let bytes = match self.wait().await? {
                Woken::ByTime => COMMENT,
                Woken::ByRecord => {
                    let batch;
                    (self, batch) = self.read().await.map_err(log).ok()?;
                    if batch.events.is_empty() {
                        continue;
                    }
                    Bytes::from(frames(&batch))
                }
            };
            self.silence.reset();
            return Some((Ok(bytes), self));
        }
    }

    async fn read(mut self) -> Result<(EventStream, Batch), Problem> {
        // Seen before it is read: what becomes durable while reading wakes the stream again.
        self.durable.borrow_and_update();
        let app = Arc::clone(&self.app);
        let read = app.blocking(move |_| {
            let batch = self.follower.read(READ)?;
            self.at_end = batch.is_end;
            Ok((self, batch))
        });
        read.await
    }

    /// Waits for something to read, but not longer than a client would wait for a sign of life.
    /// `None`: the server closes.
    async fn wait(&mut self) -> Option<Woken> {
        let EventStream { at_end, durable, closing, silence, .. } = self;
        let readable = async {
            match at_end {
                true => durable.changed().await,
                false => Ok(()),
            }
        };
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => None,
            // Before the records: those that are not for this client may come without a pause.
            _ = silence.tick() => Some(Woken::ByTime),
            moved = readable => moved.ok().map(|()| Woken::ByRecord),
        }
    }
}

/// What ended a wait.
enum Woken {
    ByRecord,
    ByTime,
}

/// The client sees the stream end and comes back; then it is told.
fn log(problem: Problem) -> Problem {
    tracing::warn!(code = problem.code.name(), "an event stream ended early");
    problem
}

/// Events in the form of the stream. JSON has no line breaks, so each is one line of data.
fn frames(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.json.len() + batch.events.len() * 64);
    for (id, kind, range) in &batch.events {
        out.extend_from_slice(format!("id: {id}\nevent: {kind}\ndata: ").as_bytes());
        out.extend_from_slice(&batch.json[range.clone()]);
        out.extend_from_slice(b"\n\n");
    }
    out
}
