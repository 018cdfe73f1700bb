internal import Glibc

/// An opaque name of one record: `pid_0h3k…`. The prefix tells people what they look at; the rest means nothing.
package struct Identifier<Kind: IdentifierKind>: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    /// Bytes of the longest id that is accepted; our own have under 32.
    package static var longest: Int { 96 }

    /// An id that was read or typed. nil when it has another prefix or characters that no id has.
    package init?(_ text: String) {
        let prefix = Kind.prefix + "_"
        guard text.utf8.count > prefix.utf8.count, text.utf8.count <= Self.longest, text.hasPrefix(prefix),
            text.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        self.text = text
    }

    /// A new id: 80 random bits, so that none can be guessed or met twice. Those of records that are only ever added begin with the time
    /// instead and keep 56: an index of them then grows at its end, and a record touches a page of it that is at hand.
    package static func new() -> Self {
        guard Kind.isChronological else {
            return Self(digits: hexadecimal(RandomBits.next(), 16) + hexadecimal(RandomBits.next() >> 48, 4))
        }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = UInt64(bitPattern: Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000)
        return Self(digits: hexadecimal(milliseconds, 11) + hexadecimal(RandomBits.next() >> 8, 14))
    }

    private init(digits: String) { text = Kind.prefix + "_" + digits }

    private static func hexadecimal(_ number: UInt64, _ count: Int) -> String {
        String(unsafeUninitializedCapacity: count) { room in
            for at in 0..<count {
                let digit = UInt8(truncatingIfNeeded: number >> UInt64(4 * (count - 1 - at))) & 15
                room[at] = digit < 10 ? 0x30 + digit : 0x57 + digit
            }
            return count
        }
    }

    package var description: String { text }

    package static func < (a: Self, b: Self) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

/// What an id names. The prefixes are those of the reference runtime, so that records stay readable side by side.
package protocol IdentifierKind: Sendable {
    static var prefix: String { get }
    /// Whether a new id says when it was made.
    static var isChronological: Bool { get }
}

extension IdentifierKind {
    package static var isChronological: Bool { false }
}

package enum ProcessKind: IdentifierKind { package static let prefix = "pid" }
package enum ObjectKind: IdentifierKind { package static let prefix = "obj" }
package enum LinkKind: IdentifierKind { package static let prefix = "lnk" }
package enum ViewKind: IdentifierKind { package static let prefix = "view" }
package enum CapabilityKind: IdentifierKind { package static let prefix = "cap" }
package enum ReservationKind: IdentifierKind { package static let prefix = "rsv" }
package enum ToolKind: IdentifierKind { package static let prefix = "tool" }
package enum ToolCallKind: IdentifierKind {
    package static let prefix = "tcall"
    package static var isChronological: Bool { true }
}
package enum HumanRequestKind: IdentifierKind { package static let prefix = "hreq" }
package enum MessageKind: IdentifierKind { package static let prefix = "pmsg" }
package enum ModelCallKind: IdentifierKind { package static let prefix = "llmcall" }
package enum EventKind: IdentifierKind { package static let prefix = "evt" }
package enum AuditKind: IdentifierKind {
    package static let prefix = "audit"
    package static var isChronological: Bool { true }
}

package typealias ProcessID = Identifier<ProcessKind>
package typealias ObjectID = Identifier<ObjectKind>
package typealias LinkID = Identifier<LinkKind>
package typealias ViewID = Identifier<ViewKind>
package typealias CapabilityID = Identifier<CapabilityKind>
package typealias ReservationID = Identifier<ReservationKind>
package typealias ToolID = Identifier<ToolKind>
package typealias ToolCallID = Identifier<ToolCallKind>
package typealias HumanRequestID = Identifier<HumanRequestKind>
package typealias MessageID = Identifier<MessageKind>
package typealias ModelCallID = Identifier<ModelCallKind>
package typealias EventID = Identifier<EventKind>
package typealias AuditID = Identifier<AuditKind>
