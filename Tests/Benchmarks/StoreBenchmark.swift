internal import Benchmarking
internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import StrictJSON

/// What the runtime's records cost. Numbers with a counterpart are measured in turn with it, and the ratio is what counts.
struct StoreBenchmark {
    let records: Int

    func run() async throws {
        var template = Array("\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/glovebox-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(errno: errno, operation: "mkdtemp") }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { remove(directory) }
        print("load \(MachineLoad.text); microseconds unless said otherwise; min of the rounds is the number to compare")
        try await appends(directory)
        try await commits(directory)
        try await decoding(directory)
        try await verification(directory)
        print("load \(MachineLoad.text)")
    }

    /// Audit records against SQLite alone: the append itself inside a transaction, and a whole transaction for each.
    private func appends(_ directory: String) async throws {
        let store = try await SQLiteRuntimeStore.open(path: directory + "/append.sqlite")
        let bare = try BareAudit(path: directory + "/bare.sqlite")
        let sample = AuditSample()
        let entry = sample.entry
        let names = ["append in a transaction", "SQLite alone", "transaction of one append", "SQLite alone"]
        var measured = names.map { Measurement(name: $0) }
        for round in 0..<520 {
            let inside = try await store.write { (tx) throws(LibOSError) -> Double in
                let began = MonotonicClock.now()
                for _ in 0..<100 { try tx.append(entry) }
                return Double(MonotonicClock.now() - began) / 100_000
            }
            try bare.run("BEGIN IMMEDIATE")
            let bareInside = try timed { for _ in 0..<100 { try bare.insert(sample) } } / 100
            try bare.run("COMMIT")
            let whole = try await timed { _ = try await store.write { (tx) throws(LibOSError) in try tx.append(entry) } }
            let bareWhole = try timed {
                try bare.run("BEGIN IMMEDIATE")
                try bare.insert(sample)
                try bare.run("COMMIT")
            }
            guard round >= 20 else { continue }
            for (index, spent) in [inside, bareInside, whole, bareWhole].enumerated() { measured[index].add(spent) }
        }
        Table.row("audit", ["min", "median", "p90"])
        for index in [0, 2] {
            show("  " + names[index], measured[index])
            show("  " + names[index + 1], measured[index + 1])
            let ratios = [0, 0.5, 0.9].map { measured[index].percentile($0) / measured[index + 1].percentile($0) }
            Table.row("  ratio", ratios.map { Table.number($0, decimals: 2) })
        }
        await store.close()
    }

    /// A commit that survives the program's death, and one that waits for the disk.
    private func commits(_ directory: String) async throws {
        let store = try await SQLiteRuntimeStore.open(path: directory + "/commit.sqlite")
        let entry = AuditSample().entry
        var (process, power) = (Measurement(name: ""), Measurement(name: ""))
        for round in 0..<320 {
            let first = try await timed { _ = try await store.write(.process) { (tx) throws(LibOSError) in try tx.append(entry) } }
            let second = try await timed { _ = try await store.write(.power) { (tx) throws(LibOSError) in try tx.append(entry) } }
            guard round >= 20 else { continue }
            process.add(first)
            power.add(second)
        }
        Table.row("commit of one record", ["min", "median", "p90"])
        show("  survives the program", process)
        show("  survives a loss of power", power)
        await store.close()
    }

    /// Records read back, for what everybody does most.
    private func decoding(_ directory: String) async throws {
        let store = try await SQLiteRuntimeStore.open(path: directory + "/decode.sqlite")
        let process = AgentProcess(
            image: "base-agent:v0", toolTable: ["read_text_file": .new(), "shell": .new()], createdAt: SystemClock().now())
        let resource = try Resource.parse("filesystem:workspace:src")
        let capabilities = (0..<100).map { _ in
            CapabilityRecord(
                subject: process.id, resource: resource, rights: [.read, .write], issuedBy: "runtime", issuedAt: process.createdAt)
        }
        try await store.write { (tx) throws(LibOSError) in
            try tx.insert(process)
            for capability in capabilities { try tx.insert(capability) }
        }
        var measured = [Measurement(name: "empty read"), Measurement(name: "process"), Measurement(name: "100 capabilities")]
        for _ in 0..<500 {
            measured[0].add(try await timed { _ = try await store.read { (tx) throws(LibOSError) in tx.now } })
            let spent = try await store.read { (tx) throws(LibOSError) -> [Double] in
                let first = MonotonicClock.now()
                _ = try tx.process(process.id)
                let second = MonotonicClock.now()
                _ = try tx.capabilities(of: process.id)
                return [Double(second - first) / 1000, Double(MonotonicClock.now() - second) / 1000]
            }
            measured[1].add(spent[0])
            measured[2].add(spent[1])
        }
        Table.row("reading", ["min", "median", "p90"])
        for measurement in measured { show("  " + measurement.name, measurement) }
        await store.close()
    }

    /// Opening a store with many records and walking through its chain.
    private func verification(_ directory: String) async throws {
        let path = directory + "/verify.sqlite"
        let store = try await SQLiteRuntimeStore.open(path: path)
        let entry = AuditSample().entry
        for start in stride(from: 0, to: records, by: 1000) {
            let count = min(1000, records - start)
            try await store.write { (tx) throws(LibOSError) in for _ in 0..<count { try tx.append(entry) } }
        }
        await store.close()
        var (opened, verified) = (Measurement(name: "open"), Measurement(name: "verify"))
        var before: Int64 = 0
        for round in 0..<5 {
            let began = MonotonicClock.now()
            let store = try await SQLiteRuntimeStore.open(path: path)
            opened.add(Double(MonotonicClock.now() - began) / 1000)
            if round == 0 { before = peakKiB() }
            var isWhole = false
            verified.add(try await timed { isWhole = try await store.verifyAudit().isWhole } / 1000)
            await store.close()
            guard isWhole else { throw SystemError(errno: EIO, operation: "verify", object: path) }
        }
        Table.row("a store of \(records) records", ["min", "median", "p90"])
        show("  open", opened)
        show("  verify, milliseconds", verified)
        print("  verifying raised the peak of memory by \(peakKiB() - before) KiB")
    }

    private func show(_ name: String, _ measurement: Measurement) {
        Table.row(name, [0, 0.5, 0.9].map { Table.number(measurement.percentile($0), decimals: 1) })
    }

    private func timed(_ body: () async throws -> Void) async rethrows -> Double {
        let began = MonotonicClock.now()
        try await body()
        return Double(MonotonicClock.now() - began) / 1000
    }

    private func timed(_ body: () throws -> Void) rethrows -> Double {
        let began = MonotonicClock.now()
        try body()
        return Double(MonotonicClock.now() - began) / 1000
    }

    /// Peak of the resident memory so far, as /proc tells it.
    private func peakKiB() -> Int64 {
        let status = (try? SmallFile.text("/proc/self/status")) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int64($0) } ?? 0
    }

    private func remove(_ directory: String) {
        for name in ["append", "bare", "commit", "decode", "verify"] {
            for suffix in ["", "-wal", "-shm", ".lock"] { unlink("\(directory)/\(name).sqlite\(suffix)") }
        }
        rmdir(directory)
    }
}
