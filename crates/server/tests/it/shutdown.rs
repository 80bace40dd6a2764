//! Shutdown under load: whatever was answered is there afterwards, once.

use crate::server::{Server, transfer};
use courant_server::ServeError;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn what_was_answered_before_and_during_a_shutdown_is_there_after_it() {
    let mut server = Server::with_alice_and_bob();
    let (answered, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (client, answered) = (server.client.clone(), answered.clone());
            std::thread::spawn(move || {
                for n in 0.. {
                    let id = format!("t{thread}-{n}");
                    let body = transfer(&id, "0.01").to_string();
                    let Ok(mut stream) = TcpStream::connect(client.address) else {
                        return;
                    };
                    let media = [("Content-Type", "application/json")];
                    let head = client.head("POST", "/v1/payments", &media, body.len());
                    if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                        return;
                    }
                    match crate::client::read_answer(&mut BufReader::new(stream)) {
                        Ok(answer) => {
                            let status = answer.expect(201)["status"].as_str().map(str::to_owned);
                            let _ = answered.send((id, status.expect("a status")));
                        }
                        Err(_) => return,
                    }
                }
            })
        })
        .collect();
    drop(answered);
    let mut acknowledged: Vec<(String, String)> = receiver.iter().take(200).collect();
    server.begin_to_stop();
    acknowledged.extend(receiver.iter());
    threads.into_iter().for_each(|thread| thread.join().expect("a client"));

    let server = server.restart();
    assert!(acknowledged.len() >= 200);
    for (id, status) in &acknowledged {
        assert_eq!(
            server.client.get(&format!("/v1/payments/{id}")).expect(200)["status"],
            **status,
            "{id}"
        );
    }
    let balance = server.client.get("/v1/trial-balance").expect(200);
    assert_eq!(balance["balanced"], true);
    // The last request of a client may have been recorded though its answer was not read.
    let recorded = balance["payments"].as_u64().expect("a number") - 1;
    let read = acknowledged.len() as u64;
    assert!((read..=read + 8).contains(&recorded), "{recorded} recorded, {read} acknowledged");
}

/// A request of which the server has the head and a part of the body.
fn begin(server: &Server, body: &str) -> TcpStream {
    let media = [("Content-Type", "application/json")];
    let head = server.client.head("POST", "/v1/payments", &media, body.len());
    // The server says that it waits for the body, so the request is under way then.
    let head = head.replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
    let mut stream = server.client.connect();
    stream.write_all(head.as_bytes()).expect("the server reads");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("the server answers");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body.as_bytes()[..10]).expect("the server reads");
    stream
}

#[test]
fn a_request_that_was_begun_is_answered_during_a_shutdown() {
    let mut server = Server::with_alice_and_bob();
    let body = transfer("p", "1.00").to_string();
    let mut begun = begin(&server, &body);
    server.begin_to_stop();
    // Once nobody is let in any more the shutdown has begun.
    while TcpStream::connect(server.client.address).is_ok() {}
    begun.write_all(&body.as_bytes()[10..]).expect("the server reads");
    let answer = crate::client::read_answer(&mut BufReader::new(begun)).expect("an answer");
    assert_eq!(answer.expect(201)["status"], "completed");
    server.stop().expect("the server drains");
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    let mut server = Server::with(|config| config.drain_timeout = Duration::from_millis(50));
    let mut begun = begin(&server, &transfer("p", "1.00").to_string());
    let result = server.stop();
    assert!(matches!(result, Err(ServeError::CutOff { connections: 1 })), "{result:?}");
    assert_eq!(begun.read(&mut [0]).unwrap_or_default(), 0);
}
