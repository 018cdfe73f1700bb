package import StrictJSON

/// What one benchmark found out: `glovebox.bench/1`.
package struct BenchReport: Sendable {
    package var subject: String
    /// What the times are of, for people.
    package var title: String
    package var host: HostFacts
    package var cases: [BenchCase] = []
    /// How each case was asked for.
    package var commands: [(name: String, command: String)] = []
    package var notMeasured: [NotMeasured] = []
    package var bounds: [Bound] = []
    package var noise = NoiseVerdict()
    /// Parts of cases: launch stages, transactions of a quantum.
    package var parts: [(group: String, item: BenchCase)] = []
    /// Further members of the JSON, and the same in lines for people.
    package var more: [JSONMember] = []
    package var lines: [String] = []

    package init(subject: String, title: String, host: HostFacts = .now()) {
        self.subject = subject
        self.title = title
        self.host = host
    }

    /// A case without numbers, and why.
    package struct NotMeasured: Sendable, Equatable {
        package enum Reason: String, Sendable {
            /// A peer that is not installed.
            case absent
            /// Started, and did not do its work.
            case failed
            /// Nothing here can do it.
            case unavailable
        }
        package var name: String
        package var state: Reason
        package var why: String
        /// Of another's: that it does not work here is no fault of ours.
        package var isPeer: Bool

        package init(name: String, state: Reason, why: String, isPeer: Bool = false) {
            self.name = name
            self.state = state
            self.why = why
            self.isPeer = isPeer
        }
    }

    /// What documentation promises of a figure.
    package struct Bound: Sendable, Equatable {
        package var name: String
        package var measured: Double
        package var bound: Double
        package var isMost = true

        package init(name: String, measured: Double, bound: Double, isMost: Bool = true) {
            self.name = name
            self.measured = measured
            self.bound = bound
            self.isMost = isMost
        }

        package var holds: Bool { isMost ? measured <= bound : measured >= bound }

        var json: JSONValue {
            .object([
                JSONMember("name", .string(name)), JSONMember(isMost ? "at_most" : "at_least", .double(bound)),
                JSONMember("measured", .double(BenchCase.rounded(measured))), JSONMember("holds", .bool(holds)),
            ])
        }
    }

    package func value(_ name: String) -> BenchCase? { cases.first { $0.name == name } }

    /// A bound on the ratio of two medians; nothing when one of them was not measured.
    package mutating func bound(_ name: String, to other: String, atMost bound: Double) {
        guard let one = value(name), let base = value(other), base.median > 0 else { return }
        bounds.append(Bound(name: "\(name) / \(other)", measured: one.median / base.median, bound: bound))
    }

    /// A case of ours that should have worked.
    package var hasFailed: Bool { notMeasured.contains { !$0.isPeer && $0.state == .failed } }

    /// Without the schema.
    package var members: [JSONMember] {
        [JSONMember("subject", .string(subject)), JSONMember("host", host.json)] + noise.members + [
            JSONMember("cases", .array(cases.map(\.json))),
            JSONMember(
                "not_measured",
                .array(
                    notMeasured.map {
                        .object([
                            JSONMember("name", .string($0.name)), JSONMember("state", .string($0.state.rawValue)),
                            JSONMember("why", .string($0.why)),
                        ])
                    })),
            JSONMember("bounds", .array(bounds.map(\.json))),
            JSONMember(
                "commands",
                .array(commands.map { .object([JSONMember("name", .string($0.name)), JSONMember("command", .string($0.command))]) })),
            JSONMember("parts", .array(parts.map { .object([JSONMember("group", .string($0.group))] + $0.item.members) })),
        ] + more
    }
}
