//! Tables that belong together, each a step from the version before it.

/// The ledger of effects, releases that are owed, the audit log, the stop switch.
pub(crate) const GUARDS: &str = "
    CREATE TABLE effects (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        idem TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        connection TEXT,
        action TEXT NOT NULL,
        effect TEXT NOT NULL,
        undo TEXT,
        entity TEXT NOT NULL,
        target TEXT NOT NULL,
        label TEXT NOT NULL,
        run TEXT NOT NULL,
        playbook TEXT NOT NULL,
        step TEXT NOT NULL,
        dry INTEGER NOT NULL,
        shape TEXT NOT NULL,
        state TEXT NOT NULL,
        output TEXT,
        begun_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        error TEXT
    );
    CREATE INDEX effects_by_target ON effects (tenant, entity, target);
    CREATE INDEX effects_by_time ON effects (tenant, effect, begun_at);
    CREATE INDEX effects_by_run ON effects (run);
    CREATE TABLE releases (
        idem TEXT PRIMARY KEY,
        due_at INTEGER NOT NULL,
        stage TEXT NOT NULL,
        owed TEXT NOT NULL,
        resume TEXT,
        failures INTEGER NOT NULL,
        begun_at INTEGER,
        error TEXT
    ) WITHOUT ROWID;
    CREATE INDEX releases_due ON releases (due_at)
        WHERE stage IN ('owed', 'asked', 'following', 'doubt');
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        hash TEXT NOT NULL
    );
    CREATE TABLE switch (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        halt TEXT NOT NULL
    );
    CREATE TABLE configured (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        what TEXT NOT NULL
    );
";

/// Questions of which people have to be told; a question names everybody who started its run.
pub(crate) const PEOPLE: &str = "
    CREATE TABLE untold (
        run INTEGER NOT NULL,
        cid INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        PRIMARY KEY (run, cid)
    ) WITHOUT ROWID;
    UPDATE awaits SET body = json_set(body, '$.wants.question.started_by',
        json_array(json_extract(body, '$.wants.question.started_by')))
    WHERE json_type(body, '$.wants.question.started_by') = 'text';
";
