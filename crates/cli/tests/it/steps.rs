//! Steps without an id of their own: done once, also when their answer is lost.

use std::io::{Read, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use serde_json::Value;

use crate::common::{Server, with_alice_and_bob};

fn with_a_hold() -> (tempfile::TempDir, Server) {
    let (dir, server) = with_alice_and_bob();
    server.json(&["pay", "alice", "bob", "50.00", "EUR", "--id", "h", "--mode", "authorise"]);
    (dir, server)
}

/// A way to the server that loses the first answer: the request arrives, the connection is cut when
/// the answer begins.
fn losing_the_first_answer(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (nth, client) in listener.incoming().enumerate() {
            let (mut client, mut upstream) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            std::thread::spawn(move || copy(&mut from, &mut to));
            if nth == 0 {
                upstream.read_exact(&mut [0]).unwrap();
                client.shutdown(Shutdown::Both).unwrap();
            } else {
                std::thread::spawn(move || copy(&mut upstream, &mut client));
            }
        }
    });
    address
}

fn remaining(payment: &Value) -> &str {
    payment["amounts"]["remaining"].as_str().unwrap()
}

#[test]
fn a_step_whose_answer_is_lost_is_sent_again_under_its_key_and_done_once() {
    let (_dir, server) = with_a_hold();
    for (verb, after) in [("increment", "60.00"), ("release", "50.00")] {
        let url = format!("http://{}", losing_the_first_answer(server.address()));
        let step = ["payment", verb, "h", "10.00", "EUR", "--url", &url, "--json"];
        let ended = server.run(&step).with_code(0);
        assert_eq!(remaining(&ended.json()), after);
        assert!(ended.stderr.contains("--idempotency-key "), "{}", ended.stderr);
    }
    let history = server.json(&["payment", "history", "h"]);
    assert_eq!(history.as_array().unwrap().len(), 3);
}

#[test]
fn a_payment_whose_answer_is_lost_is_made_once() {
    let (_dir, server) = with_alice_and_bob();
    let url = format!("http://{}", losing_the_first_answer(server.address()));
    server.run(&["pay", "alice", "bob", "10.00", "EUR", "--url", &url]).with_code(0);
    assert_eq!(server.json(&["account", "show", "bob"])["balance"], "10.00");
}

#[test]
fn a_step_can_be_sent_again_under_the_same_key_by_hand() {
    let (_dir, server) = with_a_hold();
    let step = ["payment", "release", "h", "5.00", "EUR", "--idempotency-key", "mine"];
    assert_eq!(server.run(&step).with_code(0).stderr, "");
    let again = server.run(&step).with_code(0).stdout;
    assert!(again.contains("nothing was done again"), "{again}");
    assert_eq!(remaining(&server.json(&["payment", "show", "h"])), "45.00");
    let other = ["payment", "release", "h", "6.00", "EUR", "--idempotency-key", "mine"];
    let conflict = server.run(&other).with_code(1);
    assert!(conflict.stderr.contains("idempotency_conflict"), "{}", conflict.stderr);
    assert!(conflict.stderr.contains("mine: This id"), "{}", conflict.stderr);
    assert!(conflict.stderr.contains("another --idempotency-key"), "{}", conflict.stderr);
}
