//! A server for a test: its own directory, port and runtime, stopped and cleaned up when it is
//! dropped.

use crate::client::Client;
use courant_node::journal::{DirectIo, OsStorage, Progress};
use courant_node::{Node, NodeOptions, parts};
use courant_server::{Config, ServeError, first_key, run};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A running server.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) dir: PathBuf,
    node: Option<Node>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
    /// Removed with the last server that works in it.
    temp: Option<TempDir>,
}

/// Small, but with room for the ids of what a test sends in one go: with less, a server that cannot
/// write them as fast pushes back.
fn options() -> NodeOptions {
    NodeOptions { recent_ids: 2_000, ..NodeOptions::small() }
}

impl Server {
    /// A server with the default settings.
    pub(crate) fn start() -> Server {
        Server::with(|_| {})
    }

    /// A server with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Server {
        let temp = TempDir::new().expect("a temporary directory");
        let dir = temp.path().join("data");
        Server::open(dir, Some(temp), None, (options(), change))
    }

    /// A server over a node with other settings.
    pub(crate) fn over(node: NodeOptions) -> Server {
        let temp = TempDir::new().expect("a temporary directory");
        let dir = temp.path().join("data");
        Server::open(dir, Some(temp), None, (node, |_: &mut Config| {}))
    }

    /// Stops this server and starts another one over the same data.
    pub(crate) fn restart(mut self) -> Server {
        self.stop().expect("the server drains");
        let (dir, temp, key) = (self.dir.clone(), self.temp.take(), self.client.key.take());
        Server::open(dir, temp, key, (options(), |_: &mut Config| {}))
    }

    /// A backup of what is durable now.
    pub(crate) fn back_up(&self) -> TempDir {
        let backup = TempDir::new().expect("a temporary directory");
        let node = self.node.as_ref().expect("it runs");
        let end = || Ok(courant_node::journal::Lsn(node.durable_end().0));
        let open = |path: &Path| OsStorage::open(path, DirectIo::Never).expect("a directory");
        let secrets = ["secret", "keys.secret"];
        let (from, to) = (open(&self.dir), open(backup.path()));
        let source = parts::BackupSource { root: &from, secrets: &secrets, end };
        parts::backup(&source, &to, Progress::default()).expect("backed up");
        backup
    }

    /// Another server, over what is restored of a backup.
    pub(crate) fn restored(&self, backup: &TempDir) -> Server {
        let temp = TempDir::new().expect("a temporary directory");
        let dir = temp.path().join("data");
        let open = |path: &Path| OsStorage::open(path, DirectIo::Never).expect("a directory");
        let (from, to) = (open(backup.path()), open(&dir));
        parts::restore(&from, &to, Progress::default()).expect("restored");
        Server::open(dir, Some(temp), self.client.key.clone(), (options(), |_: &mut Config| {}))
    }

    fn open(
        dir: PathBuf,
        temp: Option<TempDir>,
        key: Option<String>,
        (options, change): (NodeOptions, impl FnOnce(&mut Config)),
    ) -> Server {
        let node = Node::open(&dir, options).expect("the node opens");
        let first = first_key(&dir, &node).expect("keys can be made");
        let key = first.map(|key| key.token).or(key);
        let mut config = Config::new(&dir);
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = node.clone();
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
            runtime.block_on(run(config, served, listener, async {
                let _ = stopped.await;
            }))
        });
        let client = Client { address, key };
        Server { client, dir, node: Some(node), stop: Some(stop), thread: Some(thread), temp }
    }

    /// Asks the server to stop, without waiting.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops the server and closes its node.
    pub(crate) fn stop(&mut self) -> Result<(), ServeError> {
        self.begin_to_stop();
        let result = self.thread.take().map(|thread| thread.join().expect("the server's thread"));
        if let Some(node) = self.node.take() {
            node.close();
        }
        result.unwrap_or(Ok(()))
    }

    /// Opens an account that may go as low as it likes.
    pub(crate) fn open_account(&self, id: &str, currency: &str) -> Value {
        let body = json!({"id": id, "currency": currency, "floor": null});
        self.client.post("/v1/accounts", &body).expect(201)
    }

    /// A server with alice, who has 100.00 EUR, and bob, who has nothing.
    pub(crate) fn with_alice_and_bob() -> Server {
        let server = Server::start();
        for id in ["alice", "bob"] {
            let body = json!({"id": id, "currency": "EUR"});
            server.client.post("/v1/accounts", &body).expect(201);
        }
        let top_up = json!({"id": "first", "type": "top_up", "creditor": "alice",
            "amount": "100.00", "currency": "EUR"});
        server.client.post("/v1/payments", &top_up).expect(201);
        server
    }

    pub(crate) fn balance(&self, account: &str) -> String {
        let account = self.client.get(&format!("/v1/accounts/{account}")).expect(200);
        account["balance"].as_str().expect("a text").to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// A transfer from alice to bob.
pub(crate) fn transfer(id: &str, amount: &str) -> Value {
    json!({"id": id, "debtor": "alice", "creditor": "bob", "amount": amount, "currency": "EUR"})
}
