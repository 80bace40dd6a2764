//! Result codes: why something was refused, or why a payment is as it is.
//!
//! A code has a stable number that is never reused, a name that reads as a sentence, an ISO 20022
//! reason code where one exists (ExternalStatusReason1Code), and a sentence for people. The table
//! below is the one place they are made; docs/reference/result-codes.md lists them.

macro_rules! reasons {
    ($($number:literal $variant:ident $name:literal $iso:expr, $sentence:literal;)*) => {
        /// Why a payment was refused or is in its present status, or why a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Reason {
            $(#[doc = $sentence] $variant = $number,)*
        }

        impl Reason {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// The code with this number.
            pub fn from_number(number: u16) -> Option<Reason> {
                match number { $($number => Some(Reason::$variant),)* _ => None }
            }

            /// The stable name, such as `debit_account_not_found`.
            pub fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)* }
            }

            /// The ISO 20022 reason code, where one exists.
            pub fn iso20022(self) -> Option<&'static str> {
                match self { $(Reason::$variant => $iso,)* }
            }

            /// What happened and what to do, for people.
            pub fn sentence(self) -> &'static str {
                match self { $(Reason::$variant => $sentence,)* }
            }
        }
    };
}

reasons! {
    // Accounts named by a payment.
    1 DebitAccountNotFound "debit_account_not_found" Some("AC02"),
        "The debited account does not exist: open it first or correct the id.";
    2 CreditAccountNotFound "credit_account_not_found" Some("AC03"),
        "The credited account does not exist: open it first or correct the id.";
    3 DebitAccountFrozen "debit_account_frozen" Some("AC06"),
        "The debited account is frozen: unfreeze it, or use another account.";
    4 CreditAccountFrozen "credit_account_frozen" Some("AC06"),
        "The credited account is frozen: unfreeze it, or use another account.";
    5 DebitAccountClosed "debit_account_closed" Some("AC05"),
        "The debited account is closed.";
    6 CreditAccountClosed "credit_account_closed" Some("AC07"),
        "The credited account is closed.";
    7 DebitCurrencyMismatch "debit_currency_mismatch" Some("AM03"),
        "The debited account is in another currency than the payment.";
    8 CreditCurrencyMismatch "credit_currency_mismatch" Some("AM03"),
        "The credited account is in another currency than the payment.";
    9 AccountsMustDiffer "accounts_must_differ" Some("AG01"),
        "A payment must move money between two different accounts.";
    10 FeeAccountNotFound "fee_account_not_found" Some("AC03"),
        "The account that takes the fee does not exist: open it first or correct the id.";
    11 OutsideNotOpen "outside_not_open" Some("AM03"),
        "No account in this currency exists yet, so there is nothing to top up or withdraw \
         from.";

    // Funds and limits.
    20 InsufficientFunds "insufficient_funds" Some("AM04"),
        "The debited account has not enough available: its balance less holds would fall \
         below its floor.";
    21 CeilingExceeded "ceiling_exceeded" Some("AM14"),
        "The credited account would rise above its ceiling.";
    22 AmountOverflow "amount_overflow" Some("AM02"),
        "The amounts of the payment together exceed 18446744073709551615 minor units.";
    23 BalanceOverflow "balance_overflow" Some("AM02"),
        "An account's sums would exceed what the ledger can hold (2^126 minor units).";
    24 PaymentBelowFee "payment_below_fee" Some("AM06"),
        "The payment is less than the fee of its payee, and the payee has nothing else to pay it \
         from: pay at least the fee.";

    // Life of a payment.
    40 HoldExpired "hold_expired" Some("AB03"),
        "The hold was not captured before it expired, so the money was released.";
    41 FundingExpired "funding_expired" Some("AB03"),
        "The money was not confirmed before the payment expired.";
    42 CancelledByRequest "cancelled_by_request" Some("CN01"),
        "The payment was cancelled before it was completed.";
    43 OutsideRefused "outside_refused" Some("ED05"),
        "The outside party refused or failed the payment.";
    44 Scheduled "scheduled" None,
        "The payment waits for its time of execution.";
    45 AwaitingFunds "awaiting_funds" None,
        "The payment waits until its funding is confirmed.";
    46 AwaitingConfirmation "awaiting_confirmation" None,
        "The instruction is outside and its outcome is not known yet.";
    47 Inquiry "inquiry" None,
        "The outcome outside is being inquired; the money stays held.";
    48 ExecutionTooFar "execution_too_far" Some("DT01"),
        "The time of execution is more than 366 days ahead.";
    49 ExpiryTooFar "expiry_too_far" Some("DT01"),
        "The time of expiry is more than 366 days ahead.";
    50 ExpiryPast "expiry_past" Some("DT01"),
        "The payment would expire before it begins.";

    // Requests on a payment.
    60 PaymentNotFound "payment_not_found" None,
        "No payment has this id.";
    61 PaymentNotAuthorised "payment_not_authorised" None,
        "Only an authorised payment can do this: look at its status.";
    62 PaymentNotCapturable "payment_not_capturable" None,
        "Nothing of the payment is left to capture: look at its status and amounts.";
    63 PaymentNotCancellable "payment_not_cancellable" None,
        "The payment can no longer be cancelled: a completed one is refunded instead.";
    64 PaymentNotConfirmable "payment_not_confirmable" None,
        "The payment does not wait for a confirmation from outside.";
    65 PaymentNotRefundable "payment_not_refundable" None,
        "Nothing of the payment has been captured, so nothing can be given back.";
    66 CaptureExceedsHold "capture_exceeds_hold" None,
        "The capture is more than what is still held.";
    67 ReleaseExceedsHold "release_exceeds_hold" None,
        "The release is more than what is still held.";
    68 RefundExceedsCapture "refund_exceeds_capture" Some("AM09"),
        "More would be given back than was captured and not yet given back.";
    69 PartsRequired "parts_required" None,
        "The payment has several payees: say how much for which of them in `parts`.";
    70 PartPayeeUnknown "part_payee_unknown" None,
        "A part names an account that is not a payee of the payment.";
    71 IncrementNotPossible "increment_not_possible" None,
        "Only an authorised payment with one payee can be incremented.";
    72 PaymentBusy "payment_busy" None,
        "The payment is just being executed or expired by the clock: look at its status and \
         send the request again.";
    73 PaymentCurrencyMismatch "payment_currency_mismatch" Some("AM03"),
        "The amount is in another currency than the payment.";
    74 CaptureBelowFee "capture_below_fee" Some("AM06"),
        "The first capture takes the fee of the payee in full; it is less than that, and the \
         payee has nothing else to pay it from: capture at least the fee.";

    // Requests on an account.
    80 AccountNotFound "account_not_found" None,
        "No account has this id.";
    81 AccountExists "account_exists" None,
        "An account with this id exists already, with other properties.";
    82 AccountClosed "account_closed" Some("AC04"),
        "The account is closed; closed is final.";
    83 AccountNotFrozen "account_not_frozen" None,
        "The account is not frozen.";
    84 AccountAlreadyFrozen "account_already_frozen" None,
        "The account is frozen already.";
    85 BalanceNotZero "balance_not_zero" None,
        "An account is closed only when its balance is zero: move the rest first.";
    86 HoldsNotZero "holds_not_zero" None,
        "An account is closed only when nothing is held on it: capture or release the holds \
         first.";
    87 LimitsCrossed "limits_crossed" None,
        "The floor must not be above the ceiling.";
    88 AccountReserved "account_reserved" None,
        "Accounts whose id begins with '@' belong to Courant and cannot be changed.";
    89 AccountsFull "accounts_full" None,
        "The ledger holds as many accounts as it can number (4294967294).";

    // Requests in general.
    100 IdempotencyConflict "idempotency_conflict" Some("AM05"),
        "This id or idempotency key was used before with another body.";
    101 KeyNotFound "key_not_found" None,
        "No API key has this number.";
    102 KeyRevoked "key_revoked" None,
        "The API key is revoked already.";
    103 KeyExists "key_exists" None,
        "An API key with this number exists already.";
    104 KeysFull "keys_full" None,
        "No more API keys can be made: as many as there may be work. Revoke one first.";
    105 LastAdminKey "last_admin_key" None,
        "This is the last key with the scope admin: make another one before revoking it.";
    106 GroupMemberRefused "group_member_refused" None,
        "A payment of the atomic group was refused, so none of them was made.";
    107 GroupMemberRepeated "group_member_repeated" None,
        "Two payments of the atomic group have the same id.";
    108 GroupTooLarge "group_too_large" None,
        "The atomic group does not fit into one record (8 MiB, or half a segment if that is less): \
         send fewer payments, or less text.";
    109 OpenPaymentsFull "open_payments_full" None,
        "As many payments are open as the server keeps, and this one would stay open: send it \
         again when some have ended. Payments that are completed at once still are.";
    110 RecordTooLarge "record_too_large" None,
        "What was asked does not fit into one record, because the journal's batches are set very \
         small: name fewer payees and fees, send less text, or raise batch_bytes_max.";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
