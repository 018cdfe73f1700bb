internal import CapabilityLanguage
internal import Crypto
package import StrictJSON

extension ResolvedPolicy {
    /// What the policy means and nothing else: no names, places, reasons, descriptions or examples.
    package var canonicalValue: JSONValue {
        let environment = environment
        let syscalls = syscalls
        let capabilities = rules.map { rule -> JSONValue in
            var members = [
                JSONMember("effect", .string(rule.effect.rawValue)), JSONMember("resource", .string(rule.resource.description)),
                JSONMember("rights", .strings(rule.rights.map(\.rawValue).sorted())),
            ]
            if rule.optional { members.append(JSONMember("optional", .bool(true))) }
            return .object(members)
        }
        let members: [JSONMember] = [
            JSONMember("version", .int(Int64(PolicyKeys.version))),
            JSONMember("capabilities", .array(capabilities)),
            JSONMember("limits", .object(LimitName.allCases.map { JSONMember($0.canonicalKey, .unsigned(limits[$0])) })),
            JSONMember(
                "environment",
                .object([
                    "pass": .strings(environment.pass),
                    "set": .object(environment.set.sorted { utf8Precedes($0.key, $1.key) }.map { JSONMember($0.key, .string($0.value)) }),
                ])),
            JSONMember(
                "syscalls",
                .object([
                    "base": .string(syscalls.base), "deny": .strings(syscalls.deny), "allow": .strings(syscalls.allow),
                ])),
            JSONMember("waive", .strings(waived.sorted().map(\.rawValue))),
        ]
        // Only where it is stated: a policy without it means what it meant before there was such a key.
        let ask = askChannel.map { [JSONMember("ask", .object(["channel": .string($0.rawValue)]))] } ?? []
        let sessions = sessions.map { terms in
            [
                JSONMember(
                    "sessions",
                    .object([
                        "tools": .strings(terms.tools), "calls": .unsigned(terms.calls), "idle_ms": .unsigned(terms.idleMilliseconds),
                        "lifetime_ms": .unsigned(terms.lifetimeMilliseconds),
                    ]))
            ]
        }
        return .object(members + ask + (sessions ?? []))
    }

    package var canonicalJSON: String { canonicalValue.canonicalText }

    /// `sha256:<64 hexadecimal digits>` over the canonical JSON: names the policy in receipts, approvals and audit rows.
    package var hash: String {
        var hasher = SHA256()
        var text = canonicalJSON
        text.withUTF8 { hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        let digits = Array("0123456789abcdef".utf8)
        var result = Array("sha256:".utf8)
        for byte in hasher.finalize() {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What `glovebox policy resolve --json` prints: the meaning, its hash, and where each rule came from.
    package var resolvedValue: JSONValue {
        let sources = rules.map { rule in
            JSONValue.object([
                "rule": .string(rule.reference.text), "policy": .string(rule.reference.policy), "at": .string(rule.reference.location),
                "because": .optional(rule.reference.because),
            ])
        }
        return .object([
            "schema": .string("glovebox.policy/1"),
            "name": .string(name),
            "description": .optional(description),
            "hash": .string(hash),
            "chain": .array(chain.map { .object(["name": .string($0.name), "file": .string($0.file)]) }),
            "root_preset": .bool(isRootPreset),
            "resolved": canonicalValue,
            "sources": .array(sources),
        ])
    }
}

extension LimitName {
    /// The key with its unit: milliseconds and bytes are numbers in canonical form.
    var canonicalKey: String {
        switch unit {
        case .milliseconds: rawValue + "_ms"
        case .bytes: rawValue + "_bytes"
        case .count: rawValue
        }
    }
}
