internal import CapabilityLanguage
import LibOSModel
import SandboxTestSupport
import TestSupport
import Testing

@testable import SQLiteRuntimeStore

/// A store in a directory of its own, removed at the end.
final class StoreFixture: Sendable {
    let directory: ScratchDirectory
    let path: String

    init() throws {
        directory = try ScratchDirectory("store")
        path = directory.path + "/records/store.sqlite"
    }

    deinit { directory.remove() }

    func open(clock: any RuntimeClock = SystemClock(), observer: StoreObserver? = nil) async throws -> SQLiteRuntimeStore {
        try await SQLiteRuntimeStore.open(path: path, clock: clock, observer: observer)
    }
}

extension SQLiteRuntimeStore {
    /// Changes the file behind the back of the store's own rules, as somebody with an editor would.
    @discardableResult
    func tamper(_ statements: String..., bytes: [UInt8]? = nil) async throws(LibOSError) -> Int {
        try await write { (tx) throws(LibOSError) in
            guard let transaction = tx as? SQLiteTransaction else { return 0 }
            var changed = 0
            for statement in statements {
                changed += try transaction.connection.run(statement) { if let bytes { $0.bind(blob: bytes) } }
            }
            return changed
        }
    }

    /// Each entry in the one transaction.
    func record(_ entries: AuditEntry...) async throws(LibOSError) {
        try await write { (tx) throws(LibOSError) in for entry in entries { try tx.append(entry) } }
    }

    func dropTriggers() async throws(LibOSError) {
        try await tamper(
            "DROP TRIGGER audit_is_never_changed", "DROP TRIGGER audit_is_never_deleted", "DROP TRIGGER event_is_never_changed",
            "DROP TRIGGER event_is_never_deleted", "DROP TRIGGER process_end_is_final", "DROP TRIGGER tool_call_outcome_is_final",
            "DROP TRIGGER model_call_outcome_is_final")
    }

    func number(_ sql: String) async throws(LibOSError) -> Int64? {
        try await write { (tx) throws(LibOSError) in try (tx as? SQLiteTransaction)?.connection.number(sql) }
    }
}

/// The error that a body ends with.
func thrown<Value>(_ body: () async throws -> Value) async -> LibOSError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? LibOSError
    }
}
