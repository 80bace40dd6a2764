//! Tables of what the broker does: each line a case, and what must come of it.

mod arguments;
mod bindings;
mod exchanges;
mod headers;
mod limits;
mod queues;
mod refusals;
mod routing;
mod topic;
#[path = "../world/mod.rs"]
mod world;
