-- The inventory. `record` is the credential as versioned JSON; the other columns are copies of what is searched for.
CREATE TABLE credentials (
    name TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL,
    active TEXT REFERENCES rotations (id),
    -- Nanoseconds since 1970, as are all times here.
    next_due INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_due ON credentials (next_due, name) WHERE active IS NULL;

CREATE TABLE rotations (
    -- The order of their opening.
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    credential TEXT NOT NULL REFERENCES credentials (name),
    running INTEGER NOT NULL CHECK (running IN (0, 1)),
    last_sequence INTEGER NOT NULL CHECK (last_sequence > 0),
    -- The lease: the latest token, and who holds it until when. It is nobody's where there is no driver.
    token INTEGER NOT NULL CHECK (token > 0),
    driver TEXT,
    until INTEGER,
    wake INTEGER,
    -- Nobody has to look before the lease has run out. Without a wake-up nobody has to look at all.
    due INTEGER GENERATED ALWAYS AS (max(wake, coalesce(until, wake))) VIRTUAL,
    CHECK ((driver IS NULL) = (until IS NULL))
) STRICT;

-- One running rotation for each credential, whatever a driver does.
CREATE UNIQUE INDEX rotations_running ON rotations (credential) WHERE running = 1;
CREATE INDEX rotations_of_credential ON rotations (credential, number);
CREATE INDEX rotations_due ON rotations (due, id) WHERE due IS NOT NULL;

CREATE TABLE entries (
    rotation TEXT NOT NULL REFERENCES rotations (id),
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    record TEXT NOT NULL,
    PRIMARY KEY (rotation, sequence)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

-- `INSERT OR REPLACE` deletes without asking the trigger above.
CREATE TRIGGER entries_are_written_once BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE rotation = NEW.rotation AND sequence = NEW.sequence)
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TABLE materials (
    credential TEXT NOT NULL,
    version INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    PRIMARY KEY (credential, version)
) STRICT;

CREATE TRIGGER materials_stay BEFORE UPDATE ON materials
BEGIN
    SELECT RAISE(ABORT, 'the material of a version is never replaced');
END;

CREATE TRIGGER materials_are_put_once BEFORE INSERT ON materials
WHEN EXISTS (SELECT 1 FROM materials WHERE credential = NEW.credential AND version = NEW.version)
BEGIN
    SELECT RAISE(ABORT, 'the material of a version is never replaced');
END;

CREATE TABLE audit_records (
    sequence INTEGER NOT NULL PRIMARY KEY CHECK (sequence > 0),
    key TEXT NOT NULL UNIQUE,
    -- Unique, so that nothing can follow the same record twice: the chain never forks.
    previous TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_records_stay BEFORE UPDATE ON audit_records
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_records_are_kept BEFORE DELETE ON audit_records
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_records_are_written_once BEFORE INSERT ON audit_records
WHEN EXISTS (SELECT 1 FROM audit_records WHERE sequence = NEW.sequence OR key = NEW.key OR previous = NEW.previous)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
