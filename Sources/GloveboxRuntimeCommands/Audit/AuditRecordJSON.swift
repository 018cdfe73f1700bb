internal import LibOSModel
internal import SQLiteRuntimeStore
internal import StrictJSON

extension AuditRecord {
    /// One line of an export. Its keys are in canonical order, so that the text of `record` is the very text that the hash covers:
    /// `printf %s%s PREVIOUS_HASH RECORD | sha256sum` gives `hash`.
    func exportLine() throws(LibOSError) -> String {
        let record = try AuditChain.canonicalText(of: self)
        return #"{"hash":"\#(hash)","previous_hash":"\#(previousHash)","record":\#(record),"schema":"glovebox.audit/1"}"#
    }

    /// The record as a value, with its place in the chain.
    func members() throws(LibOSError) -> [JSONMember] {
        let text = try AuditChain.canonicalText(of: self)
        let bounds = DocumentBounds(bytes: 64 << 20, depth: 256, nodes: 4_000_000)
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.read(Array(text.utf8), bounds: bounds).value
        } catch {
            throw LibOSError(.store, "audit record \(id) cannot be shown: \(error)", mend: "run `glovebox audit verify`")
        }
        return [
            JSONMember("record", value), JSONMember("hash", .string(hash)), JSONMember("previous_hash", .string(previousHash)),
        ]
    }

    /// What was decided, in a few words.
    var summary: String {
        let decision = entry.decision
        var words: [String] = []
        for key in ["tool", "syscall", "status", "effect", "policy_decision", "resource", "signal", "image"] {
            if case .string(let text)? = decision[key] { words.append(text) }
        }
        if decision["ok"] == .bool(false) { words.append("not done") }
        let session = decision["session"]
        if case .string(let id)? = session { words.append("the end of \(id) after \(decision["calls"]?.plainText ?? "") calls") }
        if case .string(let id)? = session?["id"] { words.append("call \(session?["call"]?.plainText ?? "") of \(id)") }
        for key in ["error", "reason", "message"] {
            if case .string(let text)? = decision[key] {
                words.append(text)
                break
            }
        }
        return printable(words.joined(separator: ", "))
    }
}
