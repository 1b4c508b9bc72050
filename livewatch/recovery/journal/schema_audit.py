"""The second step of the schema: one sequence over everything that happened, and the audit that nobody can rewrite.

Both are filled by triggers, in the very transaction that writes what they tell: whatever is in the journal is in them
exactly once, and no code path can forget them.
"""

_FEED = (
    "CREATE TABLE origin (token TEXT NOT NULL) STRICT",
    "INSERT INTO origin (token) VALUES (lower(hex(randomblob(8))))",
    """
    CREATE TABLE feed (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL,
        wall_s REAL NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('event', 'intent', 'outcome', 'began', 'ended')),
        row INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX feed_by_time ON feed (wall_s)",
    """
    CREATE TRIGGER feed_event AFTER INSERT ON events BEGIN
        INSERT INTO feed (target, wall_s, kind, row) VALUES (NEW.target, NEW.wall_s, 'event', NEW.id);
    END
    """,
    """
    CREATE TRIGGER feed_intent AFTER INSERT ON intents BEGIN
        INSERT INTO feed (target, wall_s, kind, row) VALUES (NEW.target, NEW.wall_s, 'intent', NEW.id);
    END
    """,
    """
    CREATE TRIGGER feed_outcome AFTER UPDATE OF how ON intents WHEN OLD.how IS NULL AND NEW.how IS NOT NULL BEGIN
        INSERT INTO feed (target, wall_s, kind, row) VALUES (NEW.target, NEW.settled_wall_s, 'outcome', NEW.id);
    END
    """,
    """
    CREATE TRIGGER feed_began AFTER INSERT ON lives BEGIN
        INSERT INTO feed (target, wall_s, kind, row) VALUES (NEW.target, NEW.wall_s, 'began', NEW.id);
    END
    """,
    """
    CREATE TRIGGER feed_ended AFTER UPDATE OF ended_wall_s ON lives WHEN OLD.ended_wall_s IS NULL BEGIN
        INSERT INTO feed (target, wall_s, kind, row) VALUES (NEW.target, NEW.ended_wall_s, 'ended', NEW.id);
    END
    """,
)

_AUDIT = (
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        life INTEGER NOT NULL,
        target TEXT NOT NULL,
        wall_s REAL NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('decided', 'settled', 'pruned')),
        decision TEXT NOT NULL,
        who TEXT NOT NULL,
        uid INTEGER,
        what TEXT NOT NULL,
        session TEXT,
        run TEXT,
        why TEXT NOT NULL DEFAULT '',
        outcome TEXT,
        detail TEXT NOT NULL DEFAULT '',
        upto INTEGER CHECK ((kind = 'pruned') = (upto IS NOT NULL)),
        removed INTEGER
    ) STRICT
    """,
    "CREATE INDEX audit_pruned ON audit (upto) WHERE kind = 'pruned'",
    """
    CREATE TRIGGER audit_rows_stay BEFORE DELETE ON audit
    WHEN NOT EXISTS (SELECT 1 FROM audit WHERE kind = 'pruned' AND upto >= OLD.id AND id > OLD.id)
    BEGIN
        SELECT RAISE(ABORT, 'the audit is append-only: a row may go only after its pruning was recorded');
    END
    """,
    """
    CREATE TRIGGER audit_rows_stand BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit is append-only: no row is ever changed');
    END
    """,
    """
    CREATE TRIGGER audit_rows_are_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN
        SELECT RAISE(ABORT, 'the audit is append-only: no row is ever replaced');
    END
    """,
    """
    CREATE TRIGGER audit_intent AFTER INSERT ON intents BEGIN
        INSERT INTO audit (life, target, wall_s, kind, decision, who, uid, what, session, run, why)
        VALUES (
            NEW.life, NEW.target, NEW.wall_s, 'decided', NEW.idempotency_key || '#' || NEW.id,
            coalesce(json_extract(NEW.action, '$.asked_by.name'), 'livewatch'),
            json_extract(NEW.action, '$.asked_by.uid'),
            json_extract(NEW.action, '$.kind'),
            json_extract(NEW.action, '$.session'),
            json_extract(NEW.action, '$.run_id'),
            json_extract(NEW.action, '$.cause')
        );
    END
    """,
    """
    CREATE TRIGGER audit_outcome AFTER UPDATE OF how ON intents WHEN OLD.how IS NULL AND NEW.how IS NOT NULL BEGIN
        INSERT INTO audit (life, target, wall_s, kind, decision, who, what, session, outcome, detail)
        VALUES (
            NEW.settled_life, NEW.target, NEW.settled_wall_s, 'settled', NEW.idempotency_key || '#' || NEW.id,
            'livewatch', json_extract(NEW.action, '$.kind'), json_extract(NEW.action, '$.session'),
            coalesce(NEW.outcome, NEW.how), NEW.detail
        );
    END
    """,
    """
    CREATE TRIGGER audit_asked AFTER INSERT ON events
    WHEN NEW.kind = 'operator' AND json_extract(NEW.data, '$.verb') IS NOT NULL
    BEGIN
        INSERT INTO audit (life, target, wall_s, kind, decision, who, uid, what, session, run, why, outcome)
        VALUES (
            NEW.life, NEW.target, NEW.wall_s, iif(json_extract(NEW.data, '$.settles'), 'settled', 'decided'),
            coalesce(json_extract(NEW.data, '$.key'), 'event#' || NEW.id || '@' || NEW.wall_s),
            json_extract(NEW.data, '$.who'), json_extract(NEW.data, '$.uid'), json_extract(NEW.data, '$.verb'),
            json_extract(NEW.data, '$.session'), json_extract(NEW.data, '$.run'), json_extract(NEW.data, '$.what'),
            json_extract(NEW.data, '$.outcome')
        );
    END
    """,
)

FEED_AND_AUDIT = (*_FEED, *_AUDIT)
