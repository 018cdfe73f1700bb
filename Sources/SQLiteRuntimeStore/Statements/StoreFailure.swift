internal import GRDB
internal import GRDBSQLite
internal import LibOSModel
internal import StrictJSON

/// What SQLite says, as one line that tells what to do.
enum StoreFailure {
    static func error(for error: any Error, store: String) -> LibOSError {
        switch error {
        case let error as LibOSError: error
        case let error as DatabaseError:
            self.error(code: error.extendedResultCode.rawValue, message: error.message ?? "", store: store)
        default: LibOSError(.store, "the store \(store) failed: \(error)")
        }
    }

    static func error(code: Int32, message given: String, store: String) -> LibOSError {
        // Of a damaged schema SQLite quotes whole lines.
        let message = printable(given)
        return switch code & 0xFF {
        case SQLITE_FULL:
            LibOSError(
                .store, "there is no room for the store \(store): nothing of the transaction was written", mend: "free some disk space")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            LibOSError(.store, "the store \(store) is damaged: \(message)", mend: "restore a backup; the damaged file was not changed")
        case SQLITE_CONSTRAINT: constraint(code: code, message: message)
        case SQLITE_TOOBIG: LibOSError(.validation, "a value is larger than SQLite can keep", mend: "store less in one record")
        case SQLITE_BUSY, SQLITE_LOCKED:
            LibOSError(.store, "the store \(store) is in use by another program", mend: "end that program and try again")
        case SQLITE_READONLY:
            LibOSError(.store, "the store \(store) is open for reading only", mend: "open it for writing")
        default: LibOSError(.store, "the store \(store) failed: \(message) (SQLite \(code))")
        }
    }

    /// Keys that exist already, and what the triggers refuse.
    private static func constraint(code: Int32, message: String) -> LibOSError {
        if code == SQLITE_CONSTRAINT | (7 << 8) {
            return LibOSError(message.hasPrefix("process") ? .process : .store, message)
        }
        if message.hasSuffix("object.namespace, object.name") {
            return LibOSError(.validation, "the name is taken in the namespace", mend: "choose another name")
        }
        return LibOSError(.validation, "the record breaks a rule of the store: \(message)")
    }
}
