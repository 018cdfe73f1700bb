internal import Glibc

/// An opaque name of one record: `pid_019c…`. The prefix tells people what they look at; the rest means nothing to a program.
package struct Identifier<Kind: IdentifierKind>: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    /// Bytes of the longest id that is accepted; our own have under 48.
    package static var longest: Int { 96 }

    /// An id that was read or typed. nil when it has another prefix or characters that no id has.
    package init?(_ text: String) {
        let prefix = Kind.prefix + "_"
        guard text.utf8.count > prefix.utf8.count, text.utf8.count <= Self.longest, text.hasPrefix(prefix),
            text.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        self.text = text
    }

    /// A new id: 80 random bits, so that none can be guessed or met twice, behind the millisecond in which it was made. Ids that come
    /// one after the other lie side by side in an index, which would otherwise write a page of its own for each.
    package static func new() -> Self {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec / 1_000_000)
        let (high, low) = RandomWords.next()
        return Self(milliseconds, high, UInt16(truncatingIfNeeded: low))
    }

    /// Digits of the time: enough for five centuries.
    private static var timeDigits: Int { 11 }

    init(_ milliseconds: UInt64, _ high: UInt64, _ low: UInt16) {
        let prefix = Kind.prefix.utf8
        text = String(unsafeUninitializedCapacity: prefix.count + 1 + Self.timeDigits + 20) { text in
            var at = 0
            func put(_ byte: UInt8) {
                text[at] = byte
                at += 1
            }
            func put(_ number: UInt64, digits: Int) {
                for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: number >> UInt64(place)) & 15
                    put(digit < 10 ? 0x30 + digit : 0x57 + digit)
                }
            }
            for byte in prefix { put(byte) }
            put(UInt8(ascii: "_"))
            put(milliseconds, digits: Self.timeDigits)
            put(high, digits: 16)
            put(UInt64(low), digits: 4)
            return at
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
}

package enum ProcessKind: IdentifierKind { package static let prefix = "pid" }
package enum ObjectKind: IdentifierKind { package static let prefix = "obj" }
package enum LinkKind: IdentifierKind { package static let prefix = "lnk" }
package enum ViewKind: IdentifierKind { package static let prefix = "view" }
package enum CapabilityKind: IdentifierKind { package static let prefix = "cap" }
package enum ReservationKind: IdentifierKind { package static let prefix = "rsv" }
package enum ToolKind: IdentifierKind { package static let prefix = "tool" }
package enum ToolCallKind: IdentifierKind { package static let prefix = "tcall" }
package enum HumanRequestKind: IdentifierKind { package static let prefix = "hreq" }
package enum MessageKind: IdentifierKind { package static let prefix = "pmsg" }
package enum ModelCallKind: IdentifierKind { package static let prefix = "llmcall" }
package enum EventKind: IdentifierKind { package static let prefix = "evt" }
package enum AuditKind: IdentifierKind { package static let prefix = "audit" }

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
