-- The inventory. `record` is the credential as versioned JSON; the other columns are copies of what is searched for. Names sort
-- by their bytes, whatever the locale of the database is.
CREATE TABLE credentials (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    record TEXT NOT NULL,
    active TEXT COLLATE "C",
    -- Nanoseconds since 1970, as are all times here: the server's own type has no nanoseconds.
    next_due BIGINT
) WITH (fillfactor = 80);

CREATE INDEX credentials_due ON credentials (next_due, name) WHERE active IS NULL;

CREATE TABLE rotations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The order of their opening.
    number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    credential TEXT COLLATE "C" NOT NULL REFERENCES credentials (name),
    running BOOLEAN NOT NULL,
    last_sequence BIGINT NOT NULL CHECK (last_sequence > 0),
    -- The lease: the latest token, and who holds it until when. It is nobody's where there is no driver.
    token BIGINT NOT NULL CHECK (token > 0),
    driver TEXT COLLATE "C",
    until BIGINT,
    wake BIGINT,
    -- Nobody has to look before the lease has run out. Without a wake-up nobody has to look at all. Only the minute of that is
    -- kept and indexed: every append moves the lease, and a row whose indexed columns stay the same, and that has room on its page,
    -- needs no new entries in any index.
    due_minute BIGINT GENERATED ALWAYS AS (
        CASE WHEN wake IS NOT NULL THEN greatest(wake, until) / 60000000000 END
    ) STORED,
    CHECK ((driver IS NULL) = (until IS NULL))
    -- What is due is read from the low end of an index, where old entries must not pile up.
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

ALTER TABLE credentials ADD CONSTRAINT credentials_active_fkey FOREIGN KEY (active) REFERENCES rotations (id);

-- One running rotation for each credential, whatever a driver does.
CREATE UNIQUE INDEX rotations_running ON rotations (credential) WHERE running;
CREATE INDEX rotations_of_credential ON rotations (credential, number);
CREATE INDEX rotations_due ON rotations (due_minute) WHERE due_minute IS NOT NULL;

-- Entries are inserted by the statement that has just moved their rotation, and rotations are never deleted; a foreign key would
-- look for the rotation once more for each entry, which costs a fifth of an append.
CREATE TABLE entries (
    rotation TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    record TEXT NOT NULL,
    PRIMARY KEY (rotation, sequence)
);

CREATE TABLE materials (
    credential TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    nonce BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    PRIMARY KEY (credential, version)
);

-- What is encrypted does not get smaller.
ALTER TABLE materials ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

CREATE TABLE audit_records (
    sequence BIGINT NOT NULL PRIMARY KEY CHECK (sequence > 0),
    key TEXT COLLATE "C" NOT NULL UNIQUE,
    -- Unique, so that nothing can follow the same record twice: the chain never forks.
    previous TEXT COLLATE "C" NOT NULL UNIQUE,
    hash TEXT COLLATE "C" NOT NULL UNIQUE,
    body TEXT NOT NULL
);

CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the journal is append-only');
CREATE TRIGGER rotations_stay BEFORE DELETE OR TRUNCATE ON rotations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the journal is append-only');
CREATE TRIGGER audit_records_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the audit log is append-only');
CREATE TRIGGER materials_stay BEFORE UPDATE OR TRUNCATE ON materials
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the material of a version is never replaced');

-- Also in sessions that switch triggers off as a replica does.
ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_stay;
ALTER TABLE rotations ENABLE ALWAYS TRIGGER rotations_stay;
ALTER TABLE audit_records ENABLE ALWAYS TRIGGER audit_records_stay;
ALTER TABLE materials ENABLE ALWAYS TRIGGER materials_stay;
