internal import Benchmarking
internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import LinuxPrimitives

/// Time of one decision with few and many records: parsed already, as in every call after the first, and after a change of the
/// subject's records, which makes the broker parse them anew. The store is a list in memory, so its own time is not in it.
struct BrokerBenchmark {
    private struct Records: CapabilityReading {
        let records: [CapabilityRecord]
        var generation: Int64 = 1

        func capability(_ id: CapabilityID) throws(LibOSError) -> CapabilityRecord? { records.first { $0.id == id } }
        func capabilities(of subject: ProcessID) throws(LibOSError) -> [CapabilityRecord] { records }
        func capabilities(delegatedFrom id: CapabilityID) throws(LibOSError) -> [CapabilityRecord] { [] }
        func capabilityGeneration(of subject: ProcessID) throws(LibOSError) -> Int64 { generation }
    }

    let rounds: Int

    func run() throws {
        print("load \(MachineLoad.text); microseconds")
        Table.row("decision", ["min", "median", "p99"])
        for count in [1, 100, 1000] {
            let (subject, records) = try Self.records(count)
            let request = AuthorizationRequest(
                subject: subject,
                needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:src/module0/file.swift"), rights: [.read])])
            let refused = AuthorizationRequest(
                subject: subject, needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:.env"), rights: [.read])])
            let broker = CapabilityBroker()
            var store = Records(records: records)
            let now = Timestamp(microseconds: 2)
            try measure("allowed, \(count) records") { try broker.authorize(request, at: now, in: store).isAllowed }
            try measure("refused, \(count) records") { try !broker.authorize(refused, at: now, in: store).isAllowed }
            try measure("after a change, \(count) records") {
                store.generation += 1
                return try broker.authorize(request, at: now, in: store).isAllowed
            }
        }
    }

    /// Mostly of one kind, as an agent's are; one in ten is a deny or asks.
    private static func records(_ count: Int) throws -> (ProcessID, [CapabilityRecord]) {
        let subject = ProcessID.new()
        let records = try (0..<count).map { number in
            CapabilityRecord(
                subject: subject, resource: try Resource.parse("filesystem:workspace:src/module\(number)"), rights: [.read, .write],
                effect: number % 20 == 19 ? .deny : number % 20 == 9 ? .ask : .allow, issuedBy: "human:owner",
                issuedAt: Timestamp(microseconds: 1))
        }
        return (subject, records)
    }

    /// A hundred decisions are one measurement: the clock's own time would show otherwise.
    private func measure(_ name: String, _ body: () throws -> Bool) throws {
        var measurement = Measurement(name: name)
        for round in 0..<(rounds + rounds / 10) {
            let began = MonotonicClock.now()
            var isRight = true
            for _ in 0..<100 where try !body() { isRight = false }
            let microseconds = Double(MonotonicClock.now() - began) / 100_000
            guard isRight else { throw LibOSError(.validation, "\(name): a decision was wrong") }
            if round >= rounds / 10 { measurement.add(microseconds) }
        }
        Table.row(name, [0, 0.5, 0.99].map { Table.number(measurement.percentile($0), decimals: 2) })
    }
}
