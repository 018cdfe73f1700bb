package import StrictJSON

/// The run report for machines, schema `glovebox.run/1`. Keys are only ever added within a version.
package enum RunReportJSON {
    package static let schema = "glovebox.run/1"

    /// - Parameter includingOutput: with what the tool wrote, as far as it was captured.
    package static func value(_ report: RunReport, includingOutput: Bool) -> JSONValue {
        var members = [
            JSONMember("schema", .string(schema)),
            JSONMember("outcome", outcome(report.outcome)),
            JSONMember("launch", .string(report.launch.rawValue)),
            JSONMember("policy", .object(["name": .string(report.policyName), "hash": .string(report.policyHash)])),
            JSONMember("usage", usage(report.usage)),
            JSONMember(
                "limit_hits",
                .array(
                    report.limitHits.map {
                        .object(["limit": .string($0.limit), "value": .string($0.value), "detail": .string($0.detail)])
                    })),
            JSONMember("violations", .array(report.violations.map(violation))),
            JSONMember("violations_dropped", .unsigned(report.violationsDropped)),
            JSONMember(
                "receipt",
                .array(
                    report.receipt.map {
                        .object(["layer": .string($0.layer), "state": .string($0.state.rawValue), "detail": .string($0.detail)])
                    })),
            JSONMember(
                "stages",
                .array(
                    report.stages.map {
                        .object(["name": .string($0.name), "microseconds": .unsigned($0.microseconds)])
                    })),
        ]
        if includingOutput {
            members.append(JSONMember("stdout", CapturedOutputJSON.value(report.stdout)))
            members.append(JSONMember("stderr", CapturedOutputJSON.value(report.stderr)))
        }
        return .object(members)
    }

    /// `kind`, what belongs to that kind, and the exit code of `glovebox run`.
    package static func outcome(_ outcome: RunOutcome) -> JSONValue {
        var members = [JSONMember("kind", .string(outcome.kind))]
        func add(_ key: String, _ value: JSONValue) { members.append(JSONMember(key, value)) }
        switch outcome {
        case .exited(let code): add("code", .int(Int64(code)))
        case .signaled(let signal):
            add("signal", .int(Int64(signal)))
            add("name", .string(SignalName.of(signal)))
        case .timedOut(let limit), .cpuExceeded(let limit): add("limit_ms", .unsigned(limit))
        case .memoryExceeded(let limit), .diskExceeded(let limit): add("limit_bytes", .unsigned(limit))
        case .outputLimitExceeded(let limit, let stream):
            add("limit_bytes", .unsigned(limit))
            add("stream", .string(stream))
        case .violation(let message): add("message", .string(message))
        case .setupFailed(let stage, let errno, let message):
            add("stage", .string(stage))
            add("errno", .int(Int64(errno)))
            add("message", .string(message))
        case .notFound(let program): add("program", .string(program))
        case .notExecutable(let program, let errno):
            add("program", .string(program))
            add("errno", .int(Int64(errno)))
        case .cancelled, .launcherDied: break
        }
        add("exit_code", .int(Int64(outcome.exitCode)))
        return .object(members)
    }

    private static func usage(_ usage: RunUsage) -> JSONValue {
        .object([
            "wall_us": .unsigned(usage.wallMicroseconds), "cpu_us": .unsigned(usage.cpuMicroseconds),
            "peak_memory_bytes": .unsigned(usage.peakMemoryBytes), "stdout_bytes": .unsigned(usage.stdoutBytes),
            "stderr_bytes": .unsigned(usage.stderrBytes), "disk_bytes": .unsigned(usage.diskBytes),
            "created_files": .unsigned(usage.createdFiles),
        ])
    }

    package static func violation(_ violation: Violation) -> JSONValue {
        .object([
            "layer": .string(violation.layer), "syscall": .string(violation.syscall), "arguments": .string(violation.arguments),
            "pid": .int(Int64(violation.pid)), "program": .string(violation.program), "count": .unsigned(violation.count),
            "answer": .string(violation.answer), "reason": .string(violation.reason), "allowed_by": .optional(violation.allowedBy),
            "rule": .optional(violation.rule),
        ])
    }
}
