/// The second step: long values leave the rows that change often. SQLite writes a whole row for a change of one number, and a process
/// changes several times in a quantum, its view once at most; what a model was asked never changes at all, and the descriptions of its
/// tools are nearly always those of the request before.
enum LongValueTables {
    static let sql = """
        CREATE TABLE process_view (process INTEGER PRIMARY KEY, view TEXT NOT NULL) STRICT;
        INSERT INTO process_view SELECT sequence, view FROM process WHERE view IS NOT NULL;
        ALTER TABLE process DROP COLUMN view;

        CREATE TABLE model_tools (number INTEGER PRIMARY KEY, tools TEXT NOT NULL UNIQUE) STRICT;
        INSERT OR IGNORE INTO model_tools (tools) SELECT tools FROM model_call;
        CREATE TABLE model_request (call INTEGER PRIMARY KEY, messages TEXT NOT NULL, tools INTEGER NOT NULL) STRICT;
        INSERT INTO model_request
            SELECT sequence, messages, (SELECT number FROM model_tools WHERE model_tools.tools = model_call.tools) FROM model_call;
        ALTER TABLE model_call DROP COLUMN messages;
        ALTER TABLE model_call DROP COLUMN tools;
        """
}
