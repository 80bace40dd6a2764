//! Numbers of what the broker holds. All come from one counter and are never given out twice, so
//! that a change that speaks of something deleted can never touch its successor of the same name.

macro_rules! ids {
    ($($name:ident $what:literal;)*) => {
        $(
            #[doc = concat!("The number of ", $what, ".")]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub u64);
        )*
    };
}

ids! {
    VHostId "a virtual host";
    ExchangeId "an exchange";
    QueueId "a queue, which is also its place in the order of declaration";
    ConnectionId "a client's connection; the owner of the sockets gives them out";
}
