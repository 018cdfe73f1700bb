internal import Crypto
package import LibOSModel
internal import StrictJSON

/// What a call that is made again must bring along, as only this process can have written it: a client keeps it meanwhile, and is
/// trusted with nothing in it.
package struct SealedState: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A person is asked.
        case question
        /// A call that was agreed to goes on: its tool asks for input itself.
        case continuation
    }

    package var kind: Kind
    /// Of the question, or of the call that goes on.
    package var subject: String
    package var session: ProcessID
    /// Who may come back with it: the connection or the bearer, as the server tells them apart.
    package var principal: String
    package var actionHash: String
    package var expiresAt: Timestamp
    /// The state of the tool itself, which is given back to it.
    package var upstream: String?
    /// Makes each one its own.
    package var nonce: String

    package init(
        _ kind: Kind, of subject: String, session: ProcessID, principal: String, actionHash: String, expiresAt: Timestamp,
        upstream: String? = nil
    ) {
        self.kind = kind
        self.subject = subject
        self.session = session
        self.principal = principal
        self.actionHash = actionHash
        self.expiresAt = expiresAt
        self.upstream = upstream
        nonce = String(UInt64.random(in: .min ... .max), radix: 16) + "-" + String(UInt64.random(in: .min ... .max), radix: 16)
    }

    /// Why a state is not taken.
    package enum Problem: String, Error, Sendable, CaseIterable {
        case tampered = "state-tampered"
        case expired = "state-expired"
        case used = "state-used"
        case otherSession = "state-of-another-session"
        case otherAction = "state-of-another-call"

        package var sentence: String {
            switch self {
            case .tampered: "its requestState was not written by this server, or was changed"
            case .expired: "its requestState is too old"
            case .used: "its requestState was used already"
            case .otherSession: "its requestState belongs to another session"
            case .otherAction: "its requestState belongs to another call: tool and arguments must be the same"
            }
        }
    }
}

/// Writes and reads states with a key that this process alone has, and takes each of them once.
///
/// The key is made anew for each process and kept nowhere: what a state stands for, a session and its open question, ends with the
/// process too, so that a key that outlived it would open nothing. A client that comes back to a new process is asked anew.
package final class StateSealer: Sendable {
    private let key = SymmetricKey(size: .bits256)
    private let used = UsedNonces()

    package init() {}

    private static let prefix = "glovebox-state-1."
    /// Bytes of a whole state: with that of a tool in it.
    package static let longest = 512 << 10
    private static let bounds = DocumentBounds(bytes: longest, depth: 4, nodes: 64)

    /// Whether it says of itself that it is one of ours.
    package static func isOurs(_ text: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

    /// Nil when the tool's own state in it is too long.
    package func seal(_ state: SealedState) -> String? {
        let payload = JSONValue.object([
            "kind": .string(state.kind.rawValue), "subject": .string(state.subject), "session": .string(state.session.text),
            "principal": .string(state.principal), "action": .string(state.actionHash), "expires": .int(state.expiresAt.microseconds),
            "upstream": .optional(state.upstream), "nonce": .string(state.nonce),
        ])
        let text = Self.prefix + Self.hexadecimal(Array(payload.canonicalText.utf8))
        guard text.utf8.count + 65 <= Self.longest else { return nil }
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        return text + "." + Self.hexadecimal(Array(code))
    }

    /// The state behind a text, once: a second time it is `used`.
    package func open(
        _ text: String, session: ProcessID, principal: String, now: Timestamp
    ) throws(SealedState.Problem) -> SealedState {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.longest, bytes.starts(with: Self.prefix.utf8), let dot = bytes.lastIndex(of: UInt8(ascii: ".")),
            let code = Self.bytes(bytes[(dot + 1)...]), code.count == SHA256.byteCount,
            // Over the text as it stands: no other spelling of the same content is accepted.
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array(bytes[..<dot]), using: key),
            let payload = Self.bytes(bytes[Self.prefix.utf8.count..<dot]), let state = Self.read(payload)
        else { throw .tampered }
        guard state.session == session, state.principal.utf8.elementsEqual(principal.utf8) else { throw .otherSession }
        guard now < state.expiresAt else { throw .expired }
        guard used.take(state.nonce, until: state.expiresAt, now: now) else { throw .used }
        return state
    }

    private static func read(_ payload: [UInt8]) -> SealedState? {
        guard let value = try? JSONDocument.value(of: payload, bounds: bounds), case .string(let word)? = value["kind"],
            let kind = SealedState.Kind(rawValue: word), case .string(let subject)? = value["subject"],
            case .string(let sessionText)? = value["session"], let session = ProcessID(sessionText),
            case .string(let principal)? = value["principal"], case .string(let action)? = value["action"],
            case .int(let expires)? = value["expires"], case .string(let nonce)? = value["nonce"]
        else { return nil }
        var upstream: String?
        if case .string(let text)? = value["upstream"] { upstream = text }
        var state = SealedState(
            kind, of: subject, session: session, principal: principal, actionHash: action, expiresAt: Timestamp(microseconds: expires),
            upstream: upstream)
        state.nonce = nonce
        return state
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let first = high {
                result.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return result
    }
}
