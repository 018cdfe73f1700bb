internal import Glibc
internal import LinuxPrimitives

/// Asks the host's resolver for names, all at once, within a bound. The shipped program is static and has no resolver of its
/// own, so the system's `getent` answers, as it would for any program of this host.
enum NameResolution {
    static let program = "/usr/bin/getent"
    /// Names in one policy.
    static let limit = 64
    /// For all names together.
    static let patience: UInt64 = 5_000_000_000
    /// An answer is a few lines of at most 60 bytes; more than this is cut.
    private static let answerLimit = 16 << 10
    /// Addresses of one name that are used.
    private static let addressLimit = 32

    /// The addresses of each name, sorted; a name without an answer in time is left out.
    ///
    /// - Parameter cancellation: a descriptor that becomes readable when nobody waits any more.
    static func resolve(_ names: [String], cancellation: Int32?) throws(LaunchError) -> [String: [InternetAddress]] {
        guard !names.isEmpty else { return [:] }
        guard names.count <= limit else {
            throw LaunchError(
                .malformed, "\(names.count) host names are granted, more than \(limit)", mend: "name addresses, or fewer hosts")
        }
        var answers: [String: [InternetAddress]] = [:]
        let deadline = MonotonicClock.now() + patience
        // Few at a time: each is a process.
        var rest = names[...]
        while !rest.isEmpty {
            let group = rest.prefix(16)
            rest = rest.dropFirst(group.count)
            for (name, text) in try ask(Array(group), until: deadline, cancellation) { answers[name] = addresses(in: text) }
        }
        return answers
    }

    private static func ask(
        _ names: [String], until deadline: UInt64, _ cancellation: Int32?
    ) throws(LaunchError) -> [(String, [UInt8])] {
        var processes: [Int32: Int] = [:]
        var handles: [HeldProcess] = []
        var texts = [[UInt8]](repeating: [], count: names.count)
        var outputs: [HeldDescriptor?] = []
        defer { for handle in handles { handle.end() } }
        for name in names {
            do {
                var pipe = try Pipe.make()
                let reading = pipe.takeFirst()
                let writing = pipe.takeSecond()
                let process = try SpawnedLauncher.ask(path: program, arguments: ["getent", "ahosts", name], output: writing.rawValue)
                processes[reading.rawValue] = handles.count
                handles.append(HeldProcess(process))
                outputs.append(HeldDescriptor(reading))
            } catch {
                throw LaunchError(
                    .exhausted, "the host's resolver could not be asked for \(name): \(error)",
                    mend: "install \(program) (package libc-bin), or grant addresses instead of names")
            }
        }
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            var entries = outputs.compactMap { $0.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) } }
            if entries.isEmpty { break }
            if let cancellation { entries.append(pollfd(fd: cancellation, events: Int16(POLLIN), revents: 0)) }
            guard let ready = try? Polling.wait(&entries, deadline: deadline), ready > 0 else { break }
            if cancellation != nil, entries.last?.revents != 0 { break }
            for entry in entries where entry.revents != 0 {
                guard let index = processes[entry.fd] else { continue }
                let count = chunk.withUnsafeMutableBytes { (try? Transfer.read(entry.fd, into: $0)) ?? 0 }
                texts[index] += chunk[..<count]
                if count == 0 || texts[index].count > answerLimit { outputs[index] = nil }
            }
        }
        // An answer that was cut short says nothing.
        return zip(names, texts).enumerated().compactMap { outputs[$0.offset] == nil ? $0.element : nil }
    }

    /// `ADDRESS STREAM NAME` and so on, one line per address and kind.
    static func addresses(in answer: [UInt8]) -> [InternetAddress] {
        var found: Set<InternetAddress> = []
        for line in answer.split(separator: UInt8(ascii: "\n")) {
            let word = line.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            if let address = InternetAddress(literal: String(decoding: word, as: UTF8.self)) { found.insert(address) }
        }
        return Array(
            found.sorted { $0.bytes.count != $1.bytes.count ? $0.isV4 : $0.bytes.lexicographicallyPrecedes($1.bytes) }
                .prefix(addressLimit))
    }

    /// Arrays cannot hold owners that are not copied, so each stands in an object of its own.
    private final class HeldDescriptor {
        private let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
        var number: Int32 { descriptor.rawValue }
    }

    private final class HeldProcess {
        private let process: ProcessHandle
        init(_ process: consuming ProcessHandle) { self.process = process }

        func end() {
            _ = try? process.kill(SIGKILL)
            _ = try? process.wait() // a host program that ignores SIGCHLD has reaped it already
        }
    }
}
