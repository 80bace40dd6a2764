//! Tables of what the ledger does: each line a command, and behind `=>` what must come of it.

mod accounts;
mod bench;
mod draft;
mod fees_and_splits;
mod give_back;
mod order;
mod payment;
mod result_codes;
