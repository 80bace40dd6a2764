//! How far long work has come, told to whoever watches.

use std::fmt;
use std::sync::Arc;

/// Is told now and then how much of how much is done. By default nobody listens.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(u64, u64) + Send + Sync>>);

impl Progress {
    /// Calls `listen` with what is done and what there is to do, in bytes. It must be quick.
    #[must_use]
    pub fn told_to(listen: impl Fn(u64, u64) + Send + Sync + 'static) -> Progress {
        Progress(Some(Arc::new(listen)))
    }

    /// Tells how much of how much is done.
    pub fn tell(&self, done: u64, total: u64) {
        if let Some(listen) = &self.0 {
            listen(done.min(total), total);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(told)" } else { "Progress(untold)" })
    }
}
