//! Serving: from a listening socket to requests, within limits, until the shutdown has drained.

use crate::access::{self, AccessError, Keyring};
use crate::app::App;
use crate::config::{Config, HEADERS_MAX};
use crate::edge::{self, RequestIds};
use crate::metrics::HttpMetrics;
use crate::routes;
use axum::Router;
use axum::body::Body;
use courant_node::Node;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};

/// How often it is looked whether the node has stopped after a failed write.
const STOPPED_CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// How long accepting pauses after the operating system refused it, for example for want of
/// descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server does not serve, or no longer.
#[derive(Debug)]
pub enum ServeError {
    /// The listener is one that other machines reach, and [`Config::allow_remote`] is off.
    Remote(SocketAddr),
    /// The socket cannot be used.
    Socket(io::Error),
    /// The API keys cannot be checked.
    Access(AccessError),
    /// The node stopped after a failed write or sync: the process is to end with this message.
    Stopped(String),
    /// Requests were still under way when the time for draining was over; their outcome is in the
    /// journal.
    CutOff {
        /// How many connections.
        connections: usize,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Remote(address) => write!(
                f,
                "{address} can be reached from other machines, and the connection is not \
                 encrypted: listen on 127.0.0.1, or allow remote connections where a proxy or a \
                 closed network protects them"
            ),
            ServeError::Socket(error) => write!(f, "the listening socket cannot be used: {error}"),
            ServeError::Access(error) => error.fmt(f),
            ServeError::Stopped(why) => write!(f, "the server stops: {why}"),
            ServeError::CutOff { connections } => write!(
                f,
                "{connections} connections were cut off because they did not end in time; what \
                 they had asked for is in the journal if it was decided"
            ),
        }
    }
}

impl std::error::Error for ServeError {}

impl From<AccessError> for ServeError {
    fn from(error: AccessError) -> ServeError {
        ServeError::Access(error)
    }
}

/// Serves until `shutdown` completes or the node stops, then drains: no new connections, every
/// request that was begun is answered, event streams end.
///
/// The caller owns the node and closes it afterwards. Call [`crate::first_key`] before, or nobody
/// has a key.
///
/// # Errors
/// [`ServeError`] says what to do.
pub async fn run(
    config: Config,
    node: Node,
    listener: std::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Socket)?;
    check_address(&config, address)?;
    listener.set_nonblocking(true).map_err(ServeError::Socket)?;
    let listener = TcpListener::from_std(listener).map_err(ServeError::Socket)?;

    let (closing, closing_seen) = watch::channel(false);
    let server = Arc::new(Server::new(config, node.clone(), closing_seen).await?);
    let drain = GracefulShutdown::new();
    let result = tokio::select! {
        () = server.accept(&listener, &drain) => Ok(()),
        () = shutdown => Ok(()),
        why = stopped(&node) => Err(ServeError::Stopped(why)),
    };
    drop(listener);
    closing.send_replace(true);
    let connections = drain.count();
    match tokio::time::timeout(server.app.config.drain_timeout, drain.shutdown()).await {
        Ok(()) => result,
        Err(_) => result.and(Err(ServeError::CutOff { connections })),
    }
}

/// Refuses an address that other machines reach, unless [`Config::allow_remote`] is on. [`run`]
/// does so too; ask before something is made for a server that will not serve.
///
/// # Errors
/// [`ServeError::Remote`].
pub fn check_address(config: &Config, address: SocketAddr) -> Result<(), ServeError> {
    match config.allow_remote || address.ip().is_loopback() {
        true => Ok(()),
        false => Err(ServeError::Remote(address)),
    }
}

/// Waits until the node stops, and logs what it warns of.
async fn stopped(node: &Node) -> String {
    let mut ticks = tokio::time::interval(STOPPED_CHECK_INTERVAL);
    loop {
        ticks.tick().await;
        for warning in node.take_warnings() {
            tracing::warn!(target: "courant::node", "{warning}");
        }
        if let Some(stopped) = node.stopped() {
            return stopped.to_string();
        }
    }
}

struct Server {
    app: Arc<App>,
    router: Router,
    ids: RequestIds,
    http: http1::Builder,
    connections: Arc<Semaphore>,
}

impl Server {
    async fn new(
        config: Config,
        node: Node,
        closing: watch::Receiver<bool>,
    ) -> Result<Server, ServeError> {
        let keys = node.keys().await.map_err(AccessError::from)?;
        let secret = access::open_secret(&config.dir, &keys)?;
        let run = access::random::<4>().map_err(AccessError::from)?;
        let (moved, durable) = watch::channel(node.durable_end());
        node.on_durable(move |end| {
            // Calls of different batches may overtake each other.
            moved.send_modify(|known| *known = end.max(*known));
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(config.idle_timeout)
            .max_headers(HEADERS_MAX)
            .max_buf_size(config.header_bytes_max);
        let app = Arc::new(App {
            metrics: HttpMetrics::new(node.clone()),
            keyring: Keyring::new(secret, keys),
            key_changes: Mutex::new(()),
            durable,
            closing,
            streams: Arc::new(Semaphore::new(config.streams_max)),
            source: format!("/courant/{:032x}", node.report().journal.directory_id),
            node,
            config,
        });
        Ok(Server {
            router: routes::router(Arc::clone(&app)),
            ids: RequestIds::new(u32::from_le_bytes(run)),
            http,
            connections: Arc::new(Semaphore::new(app.config.connections_max)),
            app,
        })
    }

    /// Accepts connections for ever, each with a task of its own.
    async fn accept(self: &Arc<Self>, listener: &TcpListener, drain: &GracefulShutdown) {
        loop {
            let permit = Arc::clone(&self.connections).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, peer)) => self.spawn(stream, peer, permit, drain),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn spawn(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
        drain: &GracefulShutdown,
    ) {
        // Without it small answers could wait for an acknowledgement; nothing else depends on it.
        let _ = stream.set_nodelay(true);
        // The system watches this by itself. Where it cannot, a silent client keeps its place.
        let timeout_ms = self.app.config.write_timeout.as_millis();
        let timeout_ms = u32::try_from(timeout_ms).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, timeout_ms);
        let server = Arc::clone(self);
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let server = Arc::clone(&server);
            async move {
                let (app, ids, router) = (&server.app, &server.ids, server.router.clone());
                let request = request.map(Body::new);
                Ok::<_, Infallible>(edge::answer(app, ids, router, peer, request).await)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let connection = drain.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            drop(permit);
        });
    }
}
