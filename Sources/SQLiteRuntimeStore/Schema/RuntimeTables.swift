/// The first tables. `sequence` is the order in which rows came; instants are microseconds since 1970; lists, maps and unions are
/// canonical JSON.
enum RuntimeTables {
    static let sql = """
        CREATE TABLE process (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, parent TEXT, image TEXT NOT NULL, status TEXT NOT NULL, goal TEXT,
            view TEXT, tool_table TEXT NOT NULL, working_directory TEXT NOT NULL, budget TEXT NOT NULL, usage TEXT NOT NULL, wait TEXT,
            pause TEXT, outcome TEXT, status_message TEXT, generation INTEGER NOT NULL, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, waited_child TEXT
        ) STRICT;
        CREATE INDEX process_by_parent ON process (parent) WHERE parent IS NOT NULL;
        CREATE INDEX process_by_status ON process (status);
        CREATE INDEX process_by_waited_child ON process (waited_child) WHERE waited_child IS NOT NULL;
        CREATE TRIGGER process_end_is_final BEFORE UPDATE ON process
        WHEN OLD.status IN ('exited', 'failed', 'killed') AND NEW.status <> OLD.status
        BEGIN SELECT RAISE(ABORT, 'process has ended: its status is final'); END;

        CREATE TABLE image (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, version TEXT NOT NULL,
            system_prompt TEXT NOT NULL, default_tools TEXT NOT NULL, context_policy TEXT NOT NULL, safety_profile TEXT NOT NULL,
            required_capabilities TEXT NOT NULL
        ) STRICT;

        CREATE TABLE capability (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, resource TEXT NOT NULL, extent TEXT NOT NULL,
            rights TEXT NOT NULL, effect TEXT NOT NULL, constraints TEXT NOT NULL, issued_by TEXT NOT NULL, issued_at INTEGER NOT NULL,
            expires_at INTEGER, is_delegable INTEGER NOT NULL, is_revocable INTEGER NOT NULL, status TEXT NOT NULL, parent TEXT,
            delegation_depth INTEGER NOT NULL, max_delegation_depth INTEGER, uses_remaining INTEGER,
            reservations TEXT NOT NULL
        ) STRICT;
        CREATE INDEX capability_by_subject ON capability (subject);
        CREATE INDEX capability_by_parent ON capability (parent) WHERE parent IS NOT NULL;
        CREATE TABLE capability_generation (subject TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TRIGGER capability_inserted AFTER INSERT ON capability BEGIN
            INSERT INTO capability_generation VALUES (NEW.subject, 1)
            ON CONFLICT (subject) DO UPDATE SET generation = generation + 1;
        END;
        CREATE TRIGGER capability_updated AFTER UPDATE ON capability BEGIN
            INSERT INTO capability_generation VALUES (NEW.subject, 1)
            ON CONFLICT (subject) DO UPDATE SET generation = generation + 1;
            UPDATE capability_generation SET generation = generation + 1 WHERE subject = OLD.subject AND OLD.subject <> NEW.subject;
        END;

        CREATE TABLE object (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
            payload TEXT NOT NULL, title TEXT, summary TEXT, tags TEXT NOT NULL, mime_type TEXT, token_estimate INTEGER NOT NULL,
            sensitivity TEXT NOT NULL, retention_policy TEXT NOT NULL, source_refs TEXT NOT NULL, created_from_action TEXT,
            parents TEXT NOT NULL, version INTEGER NOT NULL, is_immutable INTEGER NOT NULL, created_by TEXT NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
            UNIQUE (namespace, name)
        ) STRICT;
        CREATE INDEX object_by_creator ON object (created_by);
        CREATE TABLE object_link (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, relation TEXT NOT NULL,
            destination TEXT NOT NULL, metadata TEXT NOT NULL, created_by TEXT NOT NULL, created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX object_link_by_source ON object_link (source);
        CREATE INDEX object_link_by_destination ON object_link (destination);
        CREATE TABLE object_namespace (
            sequence INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, parent TEXT, created_by TEXT NOT NULL, created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX object_namespace_by_parent ON object_namespace (parent);

        CREATE TABLE human_request (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, human TEXT NOT NULL, content TEXT NOT NULL,
            status TEXT NOT NULL, decision TEXT, is_blocking INTEGER NOT NULL, expires_at INTEGER, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX human_request_by_status ON human_request (status);
        CREATE INDEX human_request_by_process ON human_request (process);

        CREATE TABLE message (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, recipient TEXT NOT NULL, kind TEXT NOT NULL,
            channel TEXT NOT NULL, correlation TEXT, reply_to TEXT, subject TEXT, body TEXT NOT NULL, payload TEXT NOT NULL,
            status TEXT NOT NULL, created_at INTEGER NOT NULL, acked_at INTEGER
        ) STRICT;
        CREATE INDEX message_by_mailbox ON message (recipient, status);

        CREATE TABLE event (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, source TEXT NOT NULL, target TEXT,
            payload TEXT NOT NULL, priority TEXT NOT NULL, created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX event_by_target ON event (target);
        CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
        CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

        CREATE TABLE tool (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL, version TEXT NOT NULL,
            input_schema TEXT NOT NULL, output_schema TEXT, tags TEXT NOT NULL, owner TEXT
        ) STRICT;

        CREATE TABLE tool_call (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, tool TEXT NOT NULL, tool_name TEXT NOT NULL,
            arguments TEXT NOT NULL, action_hash TEXT NOT NULL, capabilities TEXT NOT NULL, policy_hash TEXT, state TEXT NOT NULL,
            report TEXT NOT NULL, result TEXT, error TEXT, created_at INTEGER NOT NULL, ended_at INTEGER
        ) STRICT;
        CREATE INDEX tool_call_by_process ON tool_call (process);
        CREATE INDEX tool_call_intended ON tool_call (state) WHERE state = 'intended';
        CREATE TRIGGER tool_call_outcome_is_final BEFORE UPDATE ON tool_call WHEN OLD.state <> 'intended' AND NEW.state <> OLD.state
        BEGIN SELECT RAISE(ABORT, 'the outcome of a tool call is final'); END;

        CREATE TABLE model_call (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, image TEXT NOT NULL, purpose TEXT NOT NULL,
            status TEXT NOT NULL, api TEXT, model TEXT, request_id TEXT, response_id TEXT, messages TEXT NOT NULL, tools TEXT NOT NULL,
            request_options TEXT NOT NULL, response_content TEXT, tool_calls TEXT NOT NULL, reasoning TEXT, usage TEXT NOT NULL,
            raw_response TEXT NOT NULL, error TEXT, created_at INTEGER NOT NULL, completed_at INTEGER
        ) STRICT;
        CREATE INDEX model_call_by_process ON model_call (process);
        CREATE INDEX model_call_pending ON model_call (status) WHERE status = 'pending';
        CREATE TRIGGER model_call_outcome_is_final BEFORE UPDATE ON model_call WHEN OLD.status <> 'pending' AND NEW.status <> OLD.status
        BEGIN SELECT RAISE(ABORT, 'the outcome of a model call is final'); END;

        CREATE TABLE pending_action (
            sequence INTEGER PRIMARY KEY, process TEXT NOT NULL UNIQUE, action TEXT NOT NULL, wait TEXT NOT NULL,
            content_preview TEXT NOT NULL, tool_call_count INTEGER NOT NULL, state TEXT NOT NULL, generation INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE content (
            sha256 BLOB PRIMARY KEY, bytes BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, timestamp INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
            target TEXT, inputs TEXT NOT NULL, outputs TEXT NOT NULL, capabilities TEXT NOT NULL, decision TEXT, decision_sha256 BLOB,
            correlation TEXT, parent TEXT, hash BLOB NOT NULL, previous_hash BLOB NOT NULL
        ) STRICT;
        CREATE INDEX audit_by_correlation ON audit (correlation) WHERE correlation IS NOT NULL;
        CREATE INDEX audit_by_content ON audit (decision_sha256) WHERE decision_sha256 IS NOT NULL;
        CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
        CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit records are never deleted'); END;
        CREATE TABLE audit_head (
            name TEXT PRIMARY KEY, count INTEGER NOT NULL, hash BLOB NOT NULL, timestamp INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO audit_head VALUES ('head', 0, zeroblob(32), 0);
        """
}
