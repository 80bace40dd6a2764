//! Shutdown under load: whatever was answered is there afterwards, once.

use crate::server::{Server, transfer};
use std::io::{BufReader, Write};
use std::sync::mpsc;

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
                    let Ok(mut stream) = std::net::TcpStream::connect(client.address) else {
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
