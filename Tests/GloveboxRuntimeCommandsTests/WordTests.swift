import CapabilityBroker
import CapabilityLanguage
import CommandOutput
import LibOSModel
import SandboxPolicy
import StrictJSON
import Testing
import ToolBroker

@testable import AgentRuntime
@testable import GloveboxRuntimeCommands

@Suite struct WordTests {
    @Test func aCapabilityIsAResourceAndItsRights() throws {
        let need = try CapabilityWords.need("filesystem:workspace:src=write,read", option: "--allow")
        #expect(need.resource.description == "filesystem:workspace:src")
        #expect(need.rights == [.read, .write])
        #expect(try CapabilityWords.need("shell:git", option: "--allow").rights == [.execute])
        let terms = try CapabilityWords.terms(["shell:git=execute"], .ask)
        #expect(terms.map(\.effect) == [.ask])
    }

    @Test(arguments: [
        ("filesystem:workspace:src", "no right is named"), ("filesystem:workspace:src=fly", "has no right `fly`"),
        ("filesystem:workspace:src=", "has no right ``"), ("src=read", "--allow src=read"),
        ("filesystem:workspace:../x=read", "--allow filesystem:workspace:../x=read"),
    ]) func wrongCapabilities(text: String, says: String) {
        let failure = #expect(throws: CommandFailure.self) { try CapabilityWords.need(text, option: "--allow") }
        #expect(failure?.exitCode == 64)
        #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
    }

    @Test func whatToDoIsSaidOnce() throws {
        func line(_ error: String?, _ suggestion: String?) -> String {
            let denial = Denial(layer: .schema, rule: "arguments", reason: "r", suggestion: suggestion)
            guard let call = ToolCallID("tcall_1") else { return "" }
            return ToolCallCommand.failureLine(
                ToolCallResult(call: call, tool: nil, isOK: false, payload: .null, error: error, decision: .deny, denial: denial))
        }
        #expect(
            line("the path leaves the workspace; remove it", "remove it")
                == "the path leaves the workspace; remove it; see `glovebox why tcall_1`")
        #expect(line("denied", "grant it") == "denied; grant it; see `glovebox why tcall_1`")
        #expect(line("denied", nil) == "denied; see `glovebox why tcall_1`")
    }

    @Test func everyErrorOfAManifestIsListed() {
        func error(_ count: Int) -> PolicyError {
            PolicyError(
                file: "f", line: 1, column: 1, message: "m0", mend: "w",
                others: (1..<count).map { PolicyError(file: "f", line: 1, column: 1, message: "m\($0)", mend: "w") })
        }
        #expect(PolicyErrorText.lines(error(1)) == ["f:1:1: m0; w"])
        #expect(PolicyErrorText.lines(error(20)).count == 20)
        #expect(PolicyErrorText.lines(error(25)).last == "and 5 more errors in f" && PolicyErrorText.lines(error(25)).count == 21)
    }

    @Test func budgets() throws {
        var budget = ResourceBudget()
        try AgentSpawnCommand.set("max_tool_calls=7", in: &budget)
        #expect(budget[.toolCalls] == 7)
        for text in ["max_tool_calls", "max_tool_calls=-1", "max_tool_calls=many", "max_tool_cals=3"] {
            #expect(throws: CommandFailure.self) { try AgentSpawnCommand.set(text, in: &budget) }
        }
    }

    /// Whatever is not clearly a yes is a no.
    @Test func answersAtThePrompt() {
        for word in ["y", "yes", "Y", "YES"] { #expect(PromptWord.isYes(word)) }
        for word in ["", "n", "no", "ja", "yess", "y y", "1", "true", "allow"] { #expect(!PromptWord.isYes(word)) }
        #expect(["a", "allow", "y", "yes"].map(PromptWord.policy) == Array(repeating: .alwaysAllow, count: 4))
        #expect(["e", "each", "ask"].map(PromptWord.policy) == Array(repeating: .askEachTime, count: 3))
        #expect(
            ["", "d", "deny", "n", "no", "alow", "always_allow", "*"].map(PromptWord.policy) == Array(repeating: .alwaysDeny, count: 8))
    }

    @Test func presetsNeverGrowSilently() {
        #expect(AuthorityPreset.none.terms.isEmpty)
        let readOnly = AuthorityPreset.readOnly.terms
        #expect(!readOnly.contains { $0.resource.kind == .filesystem && !$0.rights.isSubset(of: [.read]) })
        let edit = AuthorityPreset.edit.terms
        #expect(edit.filter { $0.rights.contains(.write) && $0.resource.kind == .filesystem }.allSatisfy { $0.effect == .ask })
        #expect(!edit.contains { $0.resource.kind == .shell || $0.resource.kind == .network })
    }

    @Test func errorsAndTheirCodes() {
        let codes: [(LibOSError.Code, Int32)] = [
            (.validation, 64), (.denied, 126), (.notFound, 1), (.process, 1), (.timeout, 124), (.limit, 125), (.unsupported, 125),
            (.store, 125),
        ]
        for (code, exit) in codes { #expect(ExitStatus.of(LibOSError(code, "x")) == exit) }
        #expect(codes.count == LibOSError.Code.allCases.count)
    }

    @Test(
        arguments: [
            ([ProcessStatus.exited, .exited], 0), ([.exited, .failed], 1), ([.waitingHuman, .killed], 1), ([.exited, .waitingHuman], 125),
            ([.paused, .waitingHuman], 125), ([.exited, .paused], 3), ([.runnable], 3), ([.waitingEvent], 3), ([], 0),
        ] as [([ProcessStatus], Int32)])
    func howARunEnded(statuses: [ProcessStatus], code: Int32) {
        let report = SchedulerReport(results: [], charged: 0, unblocking: 0, stop: .idle, unfinished: [])
        let processes = statuses.map { AgentProcess(image: "test", status: $0, createdAt: Timestamp(microseconds: 0)) }
        #expect(AgentRunCommand.exitCode(report, processes) == code)
        var cancelled = report
        cancelled.stop = .cancelled
        #expect(AgentRunCommand.exitCode(cancelled, processes) == 125)
    }

    @Test func idsThatCanBeExplained() throws {
        let (call, request) = (ToolCallID.new(), HumanRequestID.new())
        #expect(try WhySubject(call.text) == .call(call))
        #expect(try WhySubject(request.text) == .request(request))
        #expect(throws: CommandFailure.self) { try WhySubject("obj_12") }
        #expect(throws: CommandFailure.self) { try WhySubject("tcall_\u{1B}[2J") }
        #expect(throws: CommandFailure.self) { try ProcessID.typed("17") }
    }
}
