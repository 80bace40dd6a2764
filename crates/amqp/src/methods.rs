//! The whole protocol as one table: every method of AMQP 0-9-1 with RabbitMQ's extensions.
//!
//! A row gives class and method number, the type, the name, and the fields in order. `content`
//! marks the methods that are followed by a content header and a body. Bits (`bool`) that follow
//! each other share octets.
//!
//! # Fields that recur
//!
//! - `ticket`: from before 0-9-1; 0, and not looked at.
//! - `queue`, `exchange`: names; an empty queue name means the last one declared on the channel, an
//!   empty exchange name the default exchange.
//! - `no_wait`: no answer is wanted; an error closes the channel all the same.
//! - `arguments`: what else is wished for, by name.
//! - `delivery_tag`, `multiple`: one delivery or publishing of the channel, or all up to it.
//! - `reply_code`, `reply_text`, `class_id`, `method_id`: why something is closed or came back, and
//!   the method that is to blame. See [`ReplyCode`](crate::ReplyCode).
//! - `passive`: only see whether it is there. `kind` is what the protocol calls `type`.

mod generate;

use crate::wire::{Field, Reader, Writer};
use crate::{DecodeError, Problem, ShortStr, Table};

/// What each method can do, also [`Method`], which is any of them.
pub trait WireMethod {
    /// Class and method number.
    fn id(&self) -> (u16, u16);

    /// The name in the protocol, such as `queue.declare-ok`.
    fn name(&self) -> &'static str;

    /// Whether a content header and a body follow it.
    fn has_content(&self) -> bool;

    /// Appends the payload of its frame: class, method, fields.
    ///
    /// # Panics
    /// If a table or long string has 4 GiB or more.
    fn put(&self, out: &mut Vec<u8>);
}

/// The name of a method, if it exists.
pub(crate) fn name_of(class_id: u16, method_id: u16) -> Option<&'static str> {
    let found =
        METHODS.iter().find(|(class, method, _)| (*class, *method) == (class_id, method_id));
    found.map(|(_, _, name)| *name)
}

/// What bytes behind the last field are said to follow.
const LAST_FIELD: &str = "the last field";

fn at((class_id, method_id): (u16, u16), field: &'static str, problem: Problem) -> DecodeError {
    DecodeError { class_id, method_id, field, problem }
}

#[inline]
fn checked<'a, F: Field<'a>>(reader: &mut Reader<'a>) -> Result<F, Problem> {
    let field = F::take(reader)?;
    field.check()?;
    Ok(field)
}

generate::methods! {
    <'a>

    // The connection, on channel 0.
    /// The server says who it is and how a client may log in.
    10, 10: ConnectionStart<'a> "connection.start" {
        version_major: u8, version_minor: u8, server_properties: Table<'a>,
        mechanisms: &'a [u8], locales: &'a [u8],
    }
    /// The client says who it is, and logs in.
    10, 11: ConnectionStartOk<'a> "connection.start-ok" {
        client_properties: Table<'a>, mechanism: ShortStr<'a>, response: &'a [u8],
        locale: ShortStr<'a>,
    }
    /// The server asks for more before it lets the client in.
    10, 20: ConnectionSecure<'a> "connection.secure" {
        challenge: &'a [u8],
    }
    /// The client's answer to a challenge.
    10, 21: ConnectionSecureOk<'a> "connection.secure-ok" {
        response: &'a [u8],
    }
    /// The server proposes limits; 0 means that it has none.
    10, 30: ConnectionTune "connection.tune" {
        channel_max: u16, frame_max: u32, heartbeat: u16,
    }
    /// The client's choice of limits, within those proposed.
    10, 31: ConnectionTuneOk "connection.tune-ok" {
        channel_max: u16, frame_max: u32, heartbeat: u16,
    }
    /// The client chooses a virtual host.
    10, 40: ConnectionOpen<'a> "connection.open" {
        virtual_host: ShortStr<'a>, capabilities: ShortStr<'a>, insist: bool,
    }
    /// The connection is ready for use.
    10, 41: ConnectionOpenOk<'a> "connection.open-ok" {
        known_hosts: ShortStr<'a>,
    }
    /// One side ends the connection, and says why. Class and method are 0 if none is to blame.
    10, 50: ConnectionClose<'a> "connection.close" {
        reply_code: u16, reply_text: ShortStr<'a>, class_id: u16, method_id: u16,
    }
    /// The other side has read `connection.close`; nothing follows.
    10, 51: ConnectionCloseOk "connection.close-ok" {}
    /// The server reads nothing more from publishers until `connection.unblocked`.
    10, 60: ConnectionBlocked<'a> "connection.blocked" {
        reason: ShortStr<'a>,
    }
    /// The server reads from publishers again.
    10, 61: ConnectionUnblocked "connection.unblocked" {}
    /// The client renews the secret it logged in with.
    10, 70: ConnectionUpdateSecret<'a> "connection.update-secret" {
        new_secret: &'a [u8], reason: ShortStr<'a>,
    }
    /// The new secret holds.
    10, 71: ConnectionUpdateSecretOk "connection.update-secret-ok" {}

    // Channels.
    /// The client opens the channel whose number stands in the frame.
    20, 10: ChannelOpen<'a> "channel.open" {
        out_of_band: ShortStr<'a>,
    }
    /// The channel is open.
    20, 11: ChannelOpenOk<'a> "channel.open-ok" {
        channel_id: &'a [u8],
    }
    /// One side asks the other to stop or to go on sending messages on the channel.
    20, 20: ChannelFlow "channel.flow" {
        active: bool,
    }
    /// The other side does so.
    20, 21: ChannelFlowOk "channel.flow-ok" {
        active: bool,
    }
    /// One side ends the channel, and says why. Class and method are 0 if none is to blame.
    20, 40: ChannelClose<'a> "channel.close" {
        reply_code: u16, reply_text: ShortStr<'a>, class_id: u16, method_id: u16,
    }
    /// The other side has read `channel.close`; the channel's number is free.
    20, 41: ChannelCloseOk "channel.close-ok" {}

    // Access tickets.
    /// Asks for a ticket, from before 0-9-1; old clients still send it.
    30, 10: AccessRequest<'a> "access.request" {
        realm: ShortStr<'a>, exclusive: bool, passive: bool, active: bool, write: bool,
        read: bool,
    }
    /// A ticket, which means nothing any more.
    30, 11: AccessRequestOk "access.request-ok" {
        ticket: u16,
    }

    // Exchanges.
    /// Makes an exchange, or sees whether there is one like it.
    40, 10: ExchangeDeclare<'a> "exchange.declare" {
        ticket: u16, exchange: ShortStr<'a>, kind: ShortStr<'a>, passive: bool, durable: bool,
        auto_delete: bool, internal: bool, no_wait: bool, arguments: Table<'a>,
    }
    /// The exchange is there.
    40, 11: ExchangeDeclareOk "exchange.declare-ok" {}
    /// Deletes an exchange.
    40, 20: ExchangeDelete<'a> "exchange.delete" {
        ticket: u16, exchange: ShortStr<'a>, if_unused: bool, no_wait: bool,
    }
    /// The exchange is gone.
    40, 21: ExchangeDeleteOk "exchange.delete-ok" {}
    /// Binds an exchange to another, from which it then receives.
    40, 30: ExchangeBind<'a> "exchange.bind" {
        ticket: u16, destination: ShortStr<'a>, source: ShortStr<'a>, routing_key: ShortStr<'a>,
        no_wait: bool, arguments: Table<'a>,
    }
    /// The exchanges are bound.
    40, 31: ExchangeBindOk "exchange.bind-ok" {}
    /// Ends a binding between exchanges.
    40, 40: ExchangeUnbind<'a> "exchange.unbind" {
        ticket: u16, destination: ShortStr<'a>, source: ShortStr<'a>, routing_key: ShortStr<'a>,
        no_wait: bool, arguments: Table<'a>,
    }
    /// The exchanges are not bound.
    40, 51: ExchangeUnbindOk "exchange.unbind-ok" {}

    // Queues.
    /// Makes a queue, or sees whether there is one like it; an empty name asks for a new one.
    50, 10: QueueDeclare<'a> "queue.declare" {
        ticket: u16, queue: ShortStr<'a>, passive: bool, durable: bool, exclusive: bool,
        auto_delete: bool, no_wait: bool, arguments: Table<'a>,
    }
    /// The queue is there; how many messages are ready in it.
    50, 11: QueueDeclareOk<'a> "queue.declare-ok" {
        queue: ShortStr<'a>, message_count: u32, consumer_count: u32,
    }
    /// Binds a queue to an exchange.
    50, 20: QueueBind<'a> "queue.bind" {
        ticket: u16, queue: ShortStr<'a>, exchange: ShortStr<'a>, routing_key: ShortStr<'a>,
        no_wait: bool, arguments: Table<'a>,
    }
    /// The queue is bound.
    50, 21: QueueBindOk "queue.bind-ok" {}
    /// Deletes the messages that are ready.
    50, 30: QueuePurge<'a> "queue.purge" {
        ticket: u16, queue: ShortStr<'a>, no_wait: bool,
    }
    /// How many messages were deleted.
    50, 31: QueuePurgeOk "queue.purge-ok" {
        message_count: u32,
    }
    /// Deletes a queue with its messages.
    50, 40: QueueDelete<'a> "queue.delete" {
        ticket: u16, queue: ShortStr<'a>, if_unused: bool, if_empty: bool, no_wait: bool,
    }
    /// The queue is gone; how many messages it had.
    50, 41: QueueDeleteOk "queue.delete-ok" {
        message_count: u32,
    }
    /// Ends a binding of a queue.
    50, 50: QueueUnbind<'a> "queue.unbind" {
        ticket: u16, queue: ShortStr<'a>, exchange: ShortStr<'a>, routing_key: ShortStr<'a>,
        arguments: Table<'a>,
    }
    /// The queue is not bound.
    50, 51: QueueUnbindOk "queue.unbind-ok" {}

    // Messages.
    /// Limits what is delivered and not acknowledged.
    60, 10: BasicQos "basic.qos" {
        prefetch_size: u32, prefetch_count: u16, global: bool,
    }
    /// The limit holds.
    60, 11: BasicQosOk "basic.qos-ok" {}
    /// Starts a consumer.
    60, 20: BasicConsume<'a> "basic.consume" {
        ticket: u16, queue: ShortStr<'a>, consumer_tag: ShortStr<'a>, no_local: bool,
        no_ack: bool, exclusive: bool, no_wait: bool, arguments: Table<'a>,
    }
    /// The consumer is there; its tag was chosen if none was given.
    60, 21: BasicConsumeOk<'a> "basic.consume-ok" {
        consumer_tag: ShortStr<'a>,
    }
    /// Ends a consumer; the server sends it too, when the queue is gone.
    60, 30: BasicCancel<'a> "basic.cancel" {
        consumer_tag: ShortStr<'a>, no_wait: bool,
    }
    /// The consumer is gone.
    60, 31: BasicCancelOk<'a> "basic.cancel-ok" {
        consumer_tag: ShortStr<'a>,
    }
    /// Gives a message to an exchange.
    60, 40: BasicPublish<'a> "basic.publish" content {
        ticket: u16, exchange: ShortStr<'a>, routing_key: ShortStr<'a>, mandatory: bool,
        immediate: bool,
    }
    /// A mandatory message had nowhere to go.
    60, 50: BasicReturn<'a> "basic.return" content {
        reply_code: u16, reply_text: ShortStr<'a>, exchange: ShortStr<'a>,
        routing_key: ShortStr<'a>,
    }
    /// A message for a consumer.
    60, 60: BasicDeliver<'a> "basic.deliver" content {
        consumer_tag: ShortStr<'a>, delivery_tag: u64, redelivered: bool,
        exchange: ShortStr<'a>, routing_key: ShortStr<'a>,
    }
    /// Asks for one message of a queue.
    60, 70: BasicGet<'a> "basic.get" {
        ticket: u16, queue: ShortStr<'a>, no_ack: bool,
    }
    /// The message that was asked for, and how many are left.
    60, 71: BasicGetOk<'a> "basic.get-ok" content {
        delivery_tag: u64, redelivered: bool, exchange: ShortStr<'a>, routing_key: ShortStr<'a>,
        message_count: u32,
    }
    /// There is no message.
    60, 72: BasicGetEmpty<'a> "basic.get-empty" {
        cluster_id: ShortStr<'a>,
    }
    /// Deliveries are dealt with; from the server: published messages are safe.
    60, 80: BasicAck "basic.ack" {
        delivery_tag: u64, multiple: bool,
    }
    /// One delivery is refused.
    60, 90: BasicReject "basic.reject" {
        delivery_tag: u64, requeue: bool,
    }
    /// As `basic.recover`, without an answer; old clients still send it.
    60, 100: BasicRecoverAsync "basic.recover-async" {
        requeue: bool,
    }
    /// All that is not acknowledged on the channel is to be delivered again.
    60, 110: BasicRecover "basic.recover" {
        requeue: bool,
    }
    /// It will be.
    60, 111: BasicRecoverOk "basic.recover-ok" {}
    /// Deliveries are refused; from the server: published messages were not taken.
    60, 120: BasicNack "basic.nack" {
        delivery_tag: u64, multiple: bool, requeue: bool,
    }

    // Publisher confirms.
    /// From now on, the server confirms each message published on the channel.
    85, 10: ConfirmSelect "confirm.select" {
        no_wait: bool,
    }
    /// It does.
    85, 11: ConfirmSelectOk "confirm.select-ok" {}

    // Transactions of a channel.
    /// From now on, publishing and acknowledging on the channel waits for a commit.
    90, 10: TxSelect "tx.select" {}
    /// It does.
    90, 11: TxSelectOk "tx.select-ok" {}
    /// Does what waits, and begins anew.
    90, 20: TxCommit "tx.commit" {}
    /// It is done.
    90, 21: TxCommitOk "tx.commit-ok" {}
    /// Forgets what waits, and begins anew.
    90, 30: TxRollback "tx.rollback" {}
    /// It is forgotten.
    90, 31: TxRollbackOk "tx.rollback-ok" {}
}
