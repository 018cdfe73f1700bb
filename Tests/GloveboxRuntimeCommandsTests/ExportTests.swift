import CommandOutput
import LibOSModel
import LinuxPrimitives
import SQLiteRuntimeStore
import StrictJSON
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite struct ExportTests {
    /// The text of `record` in a line is the text that the hash covers, so that a checker needs no JSON of ours.
    @Test func theRecordInALineIsTheTextThatWasHashed() async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        let records = try await store.write { transaction throws(LibOSError) in
            try transaction.append(AuditEntry(actor: "a", action: "b.c", decision: .object(["z": .string("\"é\n"), "a": .int(1)])))
            try transaction.append(AuditEntry(actor: "a", action: "b.d", decision: .object(["schema": .string("\",\"schema\":\"x")])))
            return try transaction.audit(AuditQuery())
        }
        for record in records {
            let line = try record.exportLine()
            let head = #"{"hash":"\#(record.hash)","previous_hash":"\#(record.previousHash)","record":"#
            let tail = #","schema":"glovebox.audit/1"}"#
            #expect(line.hasPrefix(head) && line.hasSuffix(tail))
            let middle = String(line.dropFirst(head.count).dropLast(tail.count))
            #expect(middle == (try AuditChain.canonicalText(of: record)))
            let value = try JSONDocument.read(Array(line.utf8), bounds: DocumentBounds(bytes: 1 << 16, depth: 16, nodes: 1_000)).value
            #expect(value.canonicalText == line)
            #expect(!line.contains("\n"))
        }
        #expect(records.count == 2)
        await store.close()
    }

    /// The bytes must stay what was hashed, so nothing in them can be escaped.
    @Test func aTerminalGetsNoRecords() throws {
        let failure = #expect(throws: CommandFailure.self) { _ = try AuditExportCommand.destination(nil, isTerminal: true) }
        #expect(failure?.message.contains("--output") == true)
        _ = try AuditExportCommand.destination(nil, isTerminal: false)
        let scratch = try ScratchDirectory("export")
        _ = try AuditExportCommand.destination(scratch.path + "/records", isTerminal: true)
    }
}
