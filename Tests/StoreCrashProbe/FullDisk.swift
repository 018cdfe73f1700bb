internal import Glibc
internal import LibOSModel
internal import SQLiteRuntimeStore
internal import StrictJSON

/// Writes to a store on a small disk until it is full, and goes on when there is room again.
enum FullDisk {
    static func run(_ path: String) async throws {
        let ballast = path + ".ballast"
        let file = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, posix_fallocate(file, 0, 256 << 10) == 0 else { throw LibOSError(.store, "no room for the ballast") }
        close(file)
        let store = try await SQLiteRuntimeStore.open(path: path)
        var written: Int64 = 0
        do {
            while true {
                try await append(to: store)
                written += 1
            }
        } catch {
            say("full \(error.code.rawValue) \(error.message)")
        }
        let full = try await store.verifyAudit()
        unlink(ballast)
        try await append(to: store)
        let after = try await store.verifyAudit()
        say("usable \(full.isWhole && full.verified == written && after.isWhole && after.verified == written + 1)")
        await store.close()
    }

    private static func append(to store: SQLiteRuntimeStore) async throws(LibOSError) {
        _ = try await store.write(.power) { (tx) throws(LibOSError) in
            try tx.append(AuditEntry(actor: "a", action: "b", decision: .string(String(repeating: "f", count: 2000))))
        }
    }
}
