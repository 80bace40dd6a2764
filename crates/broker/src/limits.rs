//! How much a broker takes. Reaching a limit is a refusal that names it.

/// The most of everything, in force for what is declared from now on; what is there already stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Virtual hosts.
    pub vhosts_max: usize,
    /// Exchanges in one virtual host, with the predeclared ones.
    pub exchanges_max: usize,
    /// Queues in one virtual host.
    pub queues_max: usize,
    /// Bindings in one virtual host, without those of the default exchange.
    pub bindings_max: usize,
    /// Bytes of the arguments of one declaration or binding, encoded.
    pub arguments_bytes_max: usize,
}

impl Default for Limits {
    /// What one machine holds with ease.
    fn default() -> Limits {
        Limits {
            vhosts_max: 1_000,
            exchanges_max: 10_000,
            queues_max: 100_000,
            bindings_max: 1_000_000,
            arguments_bytes_max: 16_384,
        }
    }
}
