-- The first schema.
--
-- Each table says who owns its rows, because that decides how a distributed store would spread them:
--   customer   every key begins with customer_id
--   record     every key begins with record_id
--   value      found by an outside value (a key, an address); every key holds it
--   queue      every key begins with bucket
--   reference  small, and wanted whole on every node
-- There are no foreign keys between the groups, no triggers, and no clock: times are parameters, in milliseconds.

-- owned by: reference
CREATE TABLE connector (
    connector_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- owned by: reference
CREATE TABLE stream (
    stream_id INTEGER PRIMARY KEY,
    connector_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (connector_id, name)
);

-- owned by: reference
CREATE TABLE cursor (
    connector_id INTEGER NOT NULL,
    stream TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (connector_id, stream)
) WITHOUT ROWID;

-- owned by: reference
CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- Totals of the large tables, changed in the transaction that changes the rows: counting a million wide rows for
-- a status page costs a second, this costs nothing.
-- owned by: reference
CREATE TABLE tally (
    name TEXT NOT NULL PRIMARY KEY,
    total INTEGER NOT NULL
) WITHOUT ROWID;

-- Version 0 is a stub: something named this party before its own connector described it.
-- owned by: record
CREATE TABLE record (
    record_id INTEGER PRIMARY KEY,
    connector_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    party TEXT NOT NULL,
    raw TEXT NOT NULL,
    changed_at INTEGER NOT NULL
);

-- owned by: value
CREATE TABLE record_key (
    connector_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    stream_id INTEGER NOT NULL,
    PRIMARY KEY (connector_id, key)
) WITHOUT ROWID;

-- A table of its own, so that finding work never depends on how many records are settled.
-- owned by: record
CREATE TABLE unresolved (
    record_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
);

-- owned by: record
CREATE TABLE activity (
    record_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    cents INTEGER,
    currency TEXT,
    answers INTEGER,
    text TEXT,
    PRIMARY KEY (record_id, key)
) WITHOUT ROWID;

-- owned by: value
CREATE TABLE activity_key (
    connector_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    PRIMARY KEY (connector_id, key)
) WITHOUT ROWID;

-- owned by: record
CREATE TABLE consent (
    record_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    at INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    proof TEXT NOT NULL,
    PRIMARY KEY (record_id, channel, topic, at, granted)
) WITHOUT ROWID;

-- owned by: value
CREATE TABLE suppression (
    address TEXT NOT NULL,
    channel TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    proof TEXT NOT NULL,
    PRIMARY KEY (address, channel, reason)
) WITHOUT ROWID;

-- Sweeps that are under way: a full listing of a stream's keys, after which what was not listed is gone.
-- owned by: reference
CREATE TABLE sweep (
    connector_id INTEGER NOT NULL,
    stream_id INTEGER NOT NULL,
    sweep INTEGER NOT NULL,
    PRIMARY KEY (connector_id, stream_id)
) WITHOUT ROWID;

-- owned by: value
CREATE TABLE seen (
    connector_id INTEGER NOT NULL,
    stream_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (connector_id, stream_id, key)
) WITHOUT ROWID;

-- A webhook request, stored before it is answered. Once ingested only its name stays, so that a repeat is known.
-- owned by: queue
CREATE TABLE intake (
    bucket INTEGER NOT NULL,
    connector_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    done INTEGER NOT NULL,
    request TEXT,
    body BLOB,
    PRIMARY KEY (bucket, connector_id, id)
) WITHOUT ROWID;
CREATE INDEX intake_waiting ON intake (bucket, connector_id, received_at) WHERE done = 0;

-- owned by: value
CREATE TABLE quarantine (
    quarantine_id INTEGER PRIMARY KEY,
    connector_id INTEGER NOT NULL,
    at TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX quarantine_waiting ON quarantine (connector_id, at, code) WHERE state = 'waiting';

-- Who a record belongs to (nobody: null), why, and the identity keys it is found by.
-- owned by: record
CREATE TABLE link (
    record_id INTEGER PRIMARY KEY,
    customer_id INTEGER,
    reason TEXT,
    keys TEXT
);

-- owned by: value
CREATE TABLE identity (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    PRIMARY KEY (kind, value, record_id)
) WITHOUT ROWID;

-- owned by: value
CREATE TABLE generic (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, value)
) WITHOUT ROWID;

-- owned by: reference
CREATE TABLE decision (
    decision_id INTEGER PRIMARY KEY,
    verdict TEXT NOT NULL,
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL,
    note TEXT NOT NULL,
    revoked INTEGER NOT NULL
);
CREATE INDEX decision_a ON decision (a);
CREATE INDEX decision_b ON decision (b);

-- Columns are what segments ask for; `rest` is the other golden fields and where every value came from.
-- owned by: customer
CREATE TABLE customer (
    customer_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT,
    company TEXT,
    email TEXT,
    phone TEXT,
    city TEXT,
    country TEXT,
    language TEXT,
    tags TEXT,
    records INTEGER NOT NULL,
    rest TEXT NOT NULL
);

-- owned by: customer
CREATE TABLE member (
    customer_id INTEGER NOT NULL,
    record_id INTEGER NOT NULL,
    PRIMARY KEY (customer_id, record_id)
) WITHOUT ROWID;

-- An ended customer and who took its place; always one hop, whatever the chain of merges was.
-- owned by: customer
CREATE TABLE redirect (
    customer_id INTEGER PRIMARY KEY,
    survivor INTEGER,
    at INTEGER NOT NULL
);

-- The same, seen from the survivor.
-- owned by: customer
CREATE TABLE merged (
    customer_id INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (customer_id, ended)
) WITHOUT ROWID;

-- Only customers with activities have one.
-- owned by: customer
CREATE TABLE profile (
    customer_id INTEGER PRIMARY KEY,
    orders INTEGER NOT NULL,
    first_order_at INTEGER,
    last_order_at INTEGER,
    total_cents INTEGER NOT NULL,
    currency TEXT,
    other_currency_orders INTEGER NOT NULL,
    recency INTEGER NOT NULL,
    frequency INTEGER NOT NULL,
    monetary INTEGER NOT NULL,
    stage TEXT NOT NULL,
    last_contact_at INTEGER,
    open_complaint INTEGER NOT NULL,
    profiled_at INTEGER NOT NULL
);

-- `taken` falls back to 0 when something changes while a profile is being computed.
-- owned by: customer
CREATE TABLE stale (
    customer_id INTEGER PRIMARY KEY,
    taken INTEGER NOT NULL
);

-- owned by: reference
CREATE TABLE campaign_state (
    campaign TEXT NOT NULL PRIMARY KEY,
    paused INTEGER NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- owned by: reference
CREATE TABLE run (
    run_id INTEGER PRIMARY KEY,
    campaign TEXT NOT NULL,
    class TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    -- Started by a person, not by the schedule.
    by_hand INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    planned_through INTEGER,
    planned INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    UNIQUE (campaign, by_hand, scheduled_at)
);

-- state: 0 pending, 1 quiet, 2 in flight, 3 sent, 4 failed, 5 suppressed, 6 capped, 7 held out, 8 unknown.
-- owned by: queue
CREATE TABLE outbox (
    bucket INTEGER NOT NULL,
    outbox_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    connector TEXT,
    channel TEXT,
    address TEXT,
    state INTEGER NOT NULL,
    reason TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_at INTEGER,
    settled_at INTEGER,
    PRIMARY KEY (bucket, outbox_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_once ON outbox (bucket, customer_id, run_id);
CREATE INDEX outbox_run ON outbox (bucket, run_id, state);
-- Only what is not yet final: its size is the work to do, however long the history is.
CREATE INDEX outbox_open ON outbox (bucket, run_id, state, connector, due_at) WHERE state < 3;

-- The provider's own name of a message of ours, for receipts that carry nothing else.
-- owned by: value
CREATE TABLE provider_message (
    provider_id TEXT NOT NULL,
    connector TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    outbox_id INTEGER NOT NULL,
    PRIMARY KEY (provider_id, connector)
) WITHOUT ROWID;

-- owned by: reference
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- owned by: reference
CREATE TABLE heartbeat (
    task TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    note TEXT NOT NULL,
    total INTEGER NOT NULL
) WITHOUT ROWID;

-- owned by: reference
CREATE TABLE connector_state (
    name TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- What the console and the command line ask of the daemon.
-- owned by: reference
CREATE TABLE request (
    request_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
);
