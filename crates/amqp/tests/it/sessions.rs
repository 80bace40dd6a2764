//! Whole sessions at random: whatever a client sends and whenever the owner answers, what is sent
//! are whole frames, nothing follows a close, and nothing is asked of the owner after one.

use courant_amqp::connection::{Connection, Event, Failure};
use courant_amqp::methods::*;
use courant_amqp::{Method, Payload, ReplyCode, WireMethod, frame};
use proptest::prelude::*;

use crate::client::{options, start_ok, tune_ok};
use crate::golden;

const SOUND: &str = "what was written can be read";

#[derive(Debug, Clone)]
enum Step {
    /// A method by its row in the golden table.
    Method(u16, prop::sample::Index),
    /// One of those that lead on: what a client should send next, and then some.
    Usual(u16, u8),
    Header(u16, u8),
    Body(u16, u8),
    Bytes(Vec<u8>),
    Accept(u16),
    Fail(u16, bool),
    Time(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let channel = || 0u16..4;
    prop_oneof![
        2 => (channel(), any::<prop::sample::Index>()).prop_map(|(c, row)| Step::Method(c, row)),
        20 => (channel(), 0u8..10).prop_map(|(c, which)| Step::Usual(c, which)),
        6 => (channel(), 0u8..4).prop_map(|(c, bytes)| Step::Header(c, bytes)),
        6 => (channel(), 0u8..4).prop_map(|(c, bytes)| Step::Body(c, bytes)),
        1 => prop::collection::vec(any::<u8>(), 0..10).prop_map(Step::Bytes),
        12 => channel().prop_map(Step::Accept),
        1 => (channel(), any::<bool>()).prop_map(|(c, is_soft)| Step::Fail(c, is_soft)),
        1 => (0u32..100_000).prop_map(Step::Time),
    ]
}

fn usual(which: u8) -> Method<'static> {
    match which {
        0 => start_ok(true).into(),
        1 => tune_ok(131_072, 4, 60).into(),
        2 => ConnectionOpen::default().into(),
        3 | 4 => ChannelOpen::default().into(),
        5 | 6 => BasicPublish::default().into(),
        7 => ChannelClose::default().into(),
        8 => ChannelCloseOk {}.into(),
        _ => BasicAck::default().into(),
    }
}

fn bytes_of(step: &Step) -> Vec<u8> {
    let mut bytes = Vec::new();
    match step {
        Step::Method(channel, row) => {
            let payloads = golden::payloads();
            let method = Method::decode(&payloads[row.index(payloads.len())]).expect(SOUND);
            frame::put_method(&mut bytes, *channel, &method);
        }
        Step::Usual(channel, which) => {
            let method = usual(*which);
            let on_connection = method.id().0 == 10;
            frame::put_method(&mut bytes, if on_connection { 0 } else { *channel }, &method);
        }
        Step::Header(channel, body_bytes) => {
            let body_bytes = u64::from(*body_bytes);
            let header = courant_amqp::ContentHeader { body_bytes, properties: Default::default() };
            frame::put_header(&mut bytes, *channel, &header);
        }
        Step::Body(channel, length) => {
            frame::put_body(&mut bytes, *channel, &[7; 4][..usize::from(*length)], 0);
        }
        Step::Bytes(any) => bytes.clone_from(any),
        _ => {}
    }
    bytes
}

/// What the owner knows: the bytes due of the body on each channel.
#[derive(Default)]
struct Owner {
    due: [Option<u64>; 4],
    is_over: bool,
}

impl Owner {
    fn note(&mut self, event: &Event<'_>) {
        assert!(!self.is_over || *event == Event::Handled, "{event:?} after the end");
        match event {
            Event::Publish { channel, .. } => self.due[usize::from(*channel)] = None,
            Event::Header { channel, header, ends } => {
                assert_eq!(*ends, header.body_bytes == 0);
                self.due[usize::from(*channel)] = Some(header.body_bytes);
            }
            Event::Body { channel, part, ends } => {
                let due = self.due[usize::from(*channel)].as_mut().expect("a header came before");
                *due -= part.len() as u64;
                assert_eq!(*ends, *due == 0);
            }
            Event::Failed(_) | Event::Close { .. } => self.is_over = true,
            _ => {}
        }
    }
}

/// Whole frames, and after a `connection.close` or its answer only the answer.
fn check_sent(out: &[u8]) {
    let (mut rest, mut is_closed) = (out, false);
    while let Some((frame, length)) = frame::decode(rest, 0).expect(SOUND) {
        if let Payload::Method(payload) = frame.payload {
            let name = Method::decode(payload).expect(SOUND).name();
            assert!(!is_closed || name == "connection.close-ok", "{name} after the close");
            is_closed |= name.starts_with("connection.close");
        }
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
}

fn run(steps: &[Step], is_prompt: bool) {
    let mut connection = Connection::new(options(), 0);
    let (mut out, mut owner, mut now_ms) = (Vec::new(), Owner::default(), 0);
    let mut stream = frame::PROTOCOL_HEADER.to_vec();
    for step in steps {
        stream.extend(bytes_of(step));
        match step {
            Step::Accept(channel) => {
                connection.accept_login(&mut out);
                connection.accept_open(&mut out);
                connection.accept_channel_close(*channel, &mut out);
                connection.accept_close(&mut out);
            }
            Step::Fail(channel, is_soft) => {
                let code = if *is_soft { ReplyCode::NotFound } else { ReplyCode::ConnectionForced };
                let was_running = connection.is_open(*channel);
                connection.fail_channel(*channel, Failure::new(code, "", (0, 0)), &mut out);
                owner.is_over |= was_running && !is_soft;
            }
            Step::Time(more_ms) => {
                now_ms += u64::from(*more_ms);
                connection.handle_time(now_ms, &mut out);
            }
            _ => {}
        }
        let mut at = 0;
        while let Some((event, length)) = connection.read(&stream[at..], now_ms, &mut out) {
            owner.note(&event);
            if is_prompt {
                connection.accept_login(&mut out);
                connection.accept_open(&mut out);
            }
            at += length;
        }
        stream.drain(..at);
    }
    check_sent(&out);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_session_keeps_to_the_protocol(steps in prop::collection::vec(step(), 0..60)) {
        run(&steps, false);
    }

    #[test]
    fn any_session_that_is_let_in_keeps_to_the_protocol(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut all: Vec<Step> = (0..4).map(|which| Step::Usual(1, which)).collect();
        all.extend(steps);
        run(&all, true);
    }
}
