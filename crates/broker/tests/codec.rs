//! The bytes of changes and snapshots: nothing is lost in them, and damaged ones do no harm.

mod golden;
mod world;

use courant_broker::{
    Binding, Broker, Change, ConnectionId, DecodeError, Destination, ExchangeId, ExchangeKind,
    ExchangeSpec, Limits, Name, QueueId, QueueSpec, Table, VHostId, Value,
};
use golden::golden;
use proptest::prelude::*;

/// What decoding may allocate for each byte it reads: the largest value made from the fewest bytes,
/// and the growth of the list it is put into.
const ALLOCATED_PER_BYTE_MAX: u64 = 256;
/// What decoding may allocate besides.
const ALLOCATED_MAX: u64 = 4_096;

fn any_name() -> impl Strategy<Value = Name> {
    "[a-zé.*#]{0,12}".prop_map(|text| Name::new(&text).expect("it is short"))
}

fn any_bytes() -> impl Strategy<Value = Box<[u8]>> {
    prop::collection::vec(any::<u8>(), 0..20).prop_map(Vec::into_boxed_slice)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Void),
        any::<bool>().prop_map(Value::Bool),
        any::<i8>().prop_map(Value::Byte),
        any::<u8>().prop_map(Value::UnsignedByte),
        any::<i16>().prop_map(Value::Short),
        any::<u16>().prop_map(Value::UnsignedShort),
        any::<i32>().prop_map(Value::Int),
        any::<u32>().prop_map(Value::UnsignedInt),
        any::<i64>().prop_map(Value::Long),
        any::<u32>().prop_map(Value::Float),
        any::<u64>().prop_map(Value::Double),
        any::<(u8, u32)>().prop_map(|(scale, digits)| Value::Decimal { scale, digits }),
        any_bytes().prop_map(Value::Text),
        any_bytes().prop_map(Value::Binary),
        any::<u64>().prop_map(Value::Timestamp),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let table = prop::collection::vec((any_name(), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::List),
            table.prop_map(|values| Value::Table(values.into_iter().collect())),
        ]
    })
}

fn any_table() -> impl Strategy<Value = Table> {
    prop::collection::vec((any_name(), any_value()), 0..4)
        .prop_map(|values| values.into_iter().collect())
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..20u64, 0..1u64 << 63]
}

fn binding() -> impl Strategy<Value = Binding> {
    let destination = prop_oneof![
        number().prop_map(|id| Destination::Queue(QueueId(id))),
        number().prop_map(|id| Destination::Exchange(ExchangeId(id))),
    ];
    (destination, any_name(), any_table()).prop_map(|(destination, key, arguments)| Binding {
        destination,
        key,
        arguments,
    })
}

fn exchange() -> impl Strategy<Value = ExchangeSpec> {
    let kind = prop::sample::select(&ExchangeKind::ALL[..]);
    (any_name(), kind, any::<[bool; 3]>(), any_table()).prop_map(
        |(name, kind, [durable, auto_delete, internal], arguments)| ExchangeSpec {
            name,
            kind,
            durable,
            auto_delete,
            internal,
            arguments,
        },
    )
}

fn queue() -> impl Strategy<Value = QueueSpec> {
    let owner = prop::option::of(any::<u64>().prop_map(ConnectionId));
    (any_name(), owner, any::<[bool; 2]>(), any_table()).prop_map(
        |(name, exclusive, [durable, auto_delete], arguments)| QueueSpec {
            name,
            durable,
            exclusive,
            auto_delete,
            arguments,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let numbers = || prop::collection::vec(number(), 0..4);
    let exchanges =
        move || numbers().prop_map(|ids| ids.into_iter().map(ExchangeId).collect::<Vec<_>>());
    let queues = numbers().prop_map(|ids| ids.into_iter().map(QueueId).collect());
    let (exchange_id, vhost) = (|| number().prop_map(ExchangeId), || number().prop_map(VHostId));
    prop_oneof![
        number().prop_map(Change::Counted),
        (vhost(), any_name()).prop_map(|(id, name)| Change::VHostCreated { id, name }),
        vhost().prop_map(Change::VHostDeleted),
        (exchange_id(), vhost(), exchange())
            .prop_map(|(id, vhost, spec)| Change::ExchangeDeclared { id, vhost, spec }),
        (number().prop_map(QueueId), vhost(), queue())
            .prop_map(|(id, vhost, spec)| Change::QueueDeclared { id, vhost, spec }),
        (exchange_id(), binding()).prop_map(|(source, binding)| Change::Bound { source, binding }),
        (exchange_id(), binding(), exchanges()).prop_map(|(source, binding, exchanges)| {
            Change::Unbound { source, binding, exchanges }
        }),
        (queues, exchanges()).prop_map(|(queues, exchanges)| Change::Deleted { queues, exchanges }),
    ]
}

fn encoded(change: &Change) -> Vec<u8> {
    let mut bytes = Vec::new();
    change.encode(&mut bytes);
    bytes
}

/// Decodes, and fails if that takes more memory than the bytes justify.
fn decode_measured(bytes: &[u8]) -> Option<Change> {
    let mut decoded = None;
    let info = allocation_counter::measure(|| decoded = Change::decode(bytes).ok());
    let allowed = ALLOCATED_MAX + ALLOCATED_PER_BYTE_MAX * bytes.len() as u64;
    assert!(info.bytes_max <= allowed, "{} bytes for {}", info.bytes_max, bytes.len());
    decoded
}

proptest! {
    #[test]
    fn a_change_survives_its_bytes(change in change()) {
        let bytes = encoded(&change);
        prop_assert_eq!(Change::decode(&bytes), Ok(change));
        for end in 0..bytes.len() {
            prop_assert!(Change::decode(&bytes[..end]).is_err(), "cut at {}", end);
        }
        let mut longer = bytes;
        longer.push(0);
        prop_assert!(Change::decode(&longer).is_err());
    }

    /// A flipped bit may give another change: to notice it is what the journal's checksum is for.
    #[test]
    fn a_flipped_bit_does_no_harm(change in change()) {
        let mut bytes = encoded(&change);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Some(other) = decode_measured(&bytes) {
                // One change has one encoding.
                prop_assert_eq!(&encoded(&other), &bytes);
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), tag in 1u8..9) {
        let _ = decode_measured(&bytes);
        let _ = decode_measured(&[&[1, tag][..], &bytes].concat());
    }

    /// Changes that were never decided are applied all the same, in any order, twice.
    #[test]
    fn evolving_cannot_fail(changes in prop::collection::vec(change(), 0..30)) {
        let mut broker = Broker::new(Limits::default());
        broker.evolve(&Change::VHostCreated { id: VHostId(1), name: world::name("/") });
        for change in changes.iter().chain(&changes) {
            broker.evolve(change);
            broker.evolve(change);
        }
        world::loaded(&world::sections(&broker, 3));
    }
}

/// A section of a snapshot that is cut off, or has a flipped bit, gives an error or another state,
/// never a panic.
#[test]
fn damaged_sections_do_no_harm() {
    let sections = golden("section");
    for (at, section) in sections.iter().enumerate() {
        let load = |damaged: &[u8]| world::loaded(&sections[..at]).load_section(damaged);
        for end in 0..section.len() {
            assert!(load(&section[..end]).is_err(), "section {at} cut at {end}");
        }
        let mut damaged = section.clone();
        for bit in 0..section.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = load(&damaged);
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn what_the_format_has_not_is_named() {
    let mut bytes = encoded(&Change::Counted(1));
    bytes[0] = 2;
    let error = Change::decode(&bytes).expect_err("format 2 is not known yet");
    assert_eq!(error, DecodeError::NewerFormat(2));
    assert!(error.to_string().contains("use the release that wrote it"), "{error}");
    bytes[0] = 0;
    assert_eq!(Change::decode(&bytes), Err(DecodeError::BadValue("format number")));
    let deep = (0..17).fold(Value::Void, |inner, _| Value::List(vec![inner]));
    let arguments = world::table(&[("a", deep)]);
    let (destination, key) = (Destination::Queue(QueueId(1)), Name::default());
    let binding = Binding { destination, key, arguments };
    let bytes = encoded(&Change::Bound { source: ExchangeId(1), binding });
    assert_eq!(Change::decode(&bytes), Err(DecodeError::BadValue("depth")));
    let bytes = encoded(&Change::Counted(1 << 63));
    assert_eq!(Change::decode(&bytes), Err(DecodeError::BadValue("number")));
    // A snapshot only makes, and never deletes.
    let deleted = encoded(&Change::VHostDeleted(VHostId(1)));
    let section = [&[1, 1][..], &deleted[1..]].concat();
    let error = Broker::new(Limits::default()).load_section(&section);
    assert_eq!(error, Err(DecodeError::BadValue("change in a snapshot")));
}
