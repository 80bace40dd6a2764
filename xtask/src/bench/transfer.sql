-- The plain transfer of Courant in PostgreSQL: an idempotency key, two balances, two entries, all or nothing.
-- Entries have no index, which spares PostgreSQL work that an application would want.

CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    balance_minor bigint NOT NULL CHECK (balance_minor >= 0)
) WITH (fillfactor = 70);

CREATE TABLE payments (
    id text PRIMARY KEY,
    debtor bigint NOT NULL,
    creditor bigint NOT NULL,
    amount_minor bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE entries (
    payment text NOT NULL,
    account bigint NOT NULL,
    amount_minor bigint NOT NULL,
    balance_minor bigint NOT NULL
);

-- True if the payment was made now, false if it was made before.
CREATE FUNCTION transfer(payment text, debtor bigint, creditor bigint, amount bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    debtor_after bigint;
    creditor_after bigint;
BEGIN
    INSERT INTO payments (id, debtor, creditor, amount_minor)
        VALUES (payment, debtor, creditor, amount) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- In the order of their ids, so that two payments never wait for each other.
    IF debtor < creditor THEN
        UPDATE accounts SET balance_minor = balance_minor - amount
            WHERE id = debtor RETURNING balance_minor INTO STRICT debtor_after;
        UPDATE accounts SET balance_minor = balance_minor + amount
            WHERE id = creditor RETURNING balance_minor INTO STRICT creditor_after;
    ELSE
        UPDATE accounts SET balance_minor = balance_minor + amount
            WHERE id = creditor RETURNING balance_minor INTO STRICT creditor_after;
        UPDATE accounts SET balance_minor = balance_minor - amount
            WHERE id = debtor RETURNING balance_minor INTO STRICT debtor_after;
    END IF;
    INSERT INTO entries (payment, account, amount_minor, balance_minor)
        VALUES (payment, debtor, -amount, debtor_after), (payment, creditor, amount, creditor_after);
    RETURN true;
END
$$;

-- Transfers between accounts drawn at random, in one call and one transaction. All accounts are locked first, in the
-- order of their ids. Drawing them here spares PostgreSQL the parsing of a hundred statements.
CREATE FUNCTION transfers(batch text, transfers int, accounts_count bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    debtors bigint[];
    creditors bigint[];
    made bigint;
BEGIN
    SELECT array_agg(drawn.debtor), array_agg(1 + (drawn.debtor + drawn.step - 1) % accounts_count)
        INTO debtors, creditors
        FROM (SELECT 1 + floor(random() * accounts_count)::bigint AS debtor,
                     1 + floor(random() * (accounts_count - 1))::bigint AS step
              FROM generate_series(1, transfers)) AS drawn;
    PERFORM 1 FROM accounts WHERE id = ANY (debtors || creditors) ORDER BY id FOR UPDATE;
    SELECT count(*) FILTER (WHERE transfer(batch || '-' || n, debtors[n], creditors[n], 1)) INTO made
        FROM generate_series(1, transfers) AS n;
    RETURN made;
END
$$;
