import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import Testing

struct HumanGrantTests {
    private func approval(
        _ world: World, needs: [String] = ["filesystem:workspace:a write"], status: HumanRequest.Status = .approved,
        isApproved: Bool = true,
        responder: String = "human:owner", expiresAt: Timestamp? = nil
    ) async throws -> HumanRequest {
        let content = HumanRequest.Content.approval(
            ApprovalRequest(
                tool: "write_text_file", arguments: .object([]), actionHash: "aa11", policyHash: "p",
                needs: try needs.map(NeededRight.init(_:))), question: "?")
        return try await store(world, content, status, HumanDecision(responder: responder, isApproved: isApproved), expiresAt)
    }

    private func wish(
        _ world: World, _ need: String, status: HumanRequest.Status = .approved, policy: PermissionPolicy? = nil
    ) async throws -> HumanRequest {
        let need = try NeededRight(need)
        return try await store(
            world, .permission(PermissionRequest(resource: need.resource, rights: need.rights), question: "?", reason: "!"), status,
            HumanDecision(responder: "human:owner", isApproved: status == .approved, policy: policy), nil)
    }

    private func store(
        _ world: World, _ content: HumanRequest.Content, _ status: HumanRequest.Status, _ decision: HumanDecision, _ expiresAt: Timestamp?
    ) async throws -> HumanRequest {
        let request = HumanRequest(
            process: world.parent, content: content, status: status, decision: decision, expiresAt: expiresAt, createdAt: world.now)
        try await world.write { (transaction, _) throws(LibOSError) in try transaction.insert(request) }
        return request
    }

    @Test("an approval allows its action, once, to the process that asked") func approve() async throws {
        let world = try await World()
        try await world.grant("ask filesystem:workspace:* write")
        let asked = try await world.decide("filesystem:workspace:a write", context: ActionContext(actionHash: "aa11"))
        #expect(asked.effect == .ask)
        let request = try await approval(world)
        let records = try await world.write { (transaction, broker) throws(LibOSError) in try broker.approve(request, in: transaction) }
        let record = try present(records.first)
        #expect(records.count == 1 && record.subject == world.parent && record.usesRemaining == 1)
        #expect(record.constraints == CapabilityConstraints(actionHash: "aa11") && record.issuedBy == "human:owner")
        #expect(!record.isDelegable && record.expiresAt == world.later(CapabilityBroker.approvalSeconds))
        // This action and no other.
        #expect(try await world.effect("filesystem:workspace:a write", context: ActionContext(actionHash: "aa12")) == .deny)
        #expect(try await world.effect("filesystem:workspace:a write") == .deny)
        #expect(try await world.effect("filesystem:workspace:b write", context: ActionContext(actionHash: "aa11")) == .ask)
        #expect(
            try await world.effect("filesystem:workspace:a write", by: world.child, context: ActionContext(actionHash: "aa11")) == .deny)
        let wanted = AuthorizationRequest(
            subject: world.parent, needs: [try NeededRight("filesystem:workspace:a write")], context: ActionContext(actionHash: "aa11"))
        let (decision, reservation) = try await world.write { (transaction, broker) throws(LibOSError) in
            let decision = try broker.authorize(wanted, in: transaction)
            return (decision, try broker.reserve(decision, of: wanted.subject, in: transaction))
        }
        #expect(decision.isAllowed && decision.oneShots == [record.id] && decision.grants[0].answered == [.write])
        let taken = try present(reservation)
        // Used: the next time somebody must be asked again.
        #expect(try await world.effect("filesystem:workspace:a write", context: ActionContext(actionHash: "aa11")) == .ask)
        try await world.write { (transaction, broker) throws(LibOSError) in try broker.commit(taken, in: transaction) }
        let id = request.id
        #expect(try await world.store.read { (store) throws(LibOSError) in try store.humanRequest(id)?.status } == .used)
    }

    @Test("an approval ends") func expiry() async throws {
        let world = try await World()
        let request = try await approval(world, expiresAt: world.later(60))
        try await world.write { (transaction, broker) throws(LibOSError) in _ = try broker.approve(request, in: transaction) }
        let context = ActionContext(actionHash: "aa11")
        #expect(try await world.effect("filesystem:workspace:a write", context: context) == .allow)
        world.clock.advance(seconds: 60)
        #expect(try await world.effect("filesystem:workspace:a write", context: context) == .deny)
    }

    @Test("what is no valid approval makes no record", arguments: 0..<8) func refusals(_ row: Int) async throws {
        let world = try await World()
        var request =
            switch row {
            case 0: try await approval(world, status: .rejected, isApproved: false)
            case 1: try await approval(world, status: .pending)
            case 2: try await approval(world, status: .used)
            case 3: try await approval(world, isApproved: false)
            case 4: try await approval(world, expiresAt: world.now)
            case 5: try await approval(world, responder: world.stranger.text)
            case 6: try await approval(world, needs: [])
            default: try await approval(world)
            }
        // The caller's copy names somebody else.
        if row == 7 { request.process = world.stranger }
        let given = request
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in try broker.approve(given, in: transaction) }
        #expect(refusal != nil)
        #expect(try await world.audit("capability.").isEmpty)
    }

    @Test("what was given up no longer stands in the way") func withdraw() async throws {
        let world = try await World()
        try await world.grant("ask filesystem:workspace:* write")
        let request = try await approval(world)
        let subject = world.parent
        try await world.write { (transaction, broker) throws(LibOSError) in
            _ = try broker.approve(request, in: transaction)
            try broker.withdrawApprovals(of: "aa11", from: subject, by: World.runtime, in: transaction)
        }
        #expect(try await world.effect("filesystem:workspace:a write", context: ActionContext(actionHash: "aa12")) == .ask)
        #expect(try await world.effect("filesystem:workspace:a write", context: ActionContext(actionHash: "aa11")) == .ask)
    }

    @Test(
        "a wish is remembered as decided",
        arguments: [
            (HumanRequest.Status.approved, nil, Effect.allow), (.rejected, nil, .deny), (.approved, .askEachTime, .ask),
            (.approved, .alwaysDeny, .deny), (.approved, .allowOnce, nil), (.rejected, .alwaysAllow, nil), (.pending, nil, nil),
            (.cancelled, nil, nil),
        ] as [(HumanRequest.Status, PermissionPolicy?, Effect?)])
    func remember(_ status: HumanRequest.Status, _ policy: PermissionPolicy?, _ expected: Effect?) async throws {
        let world = try await World()
        let request = try await wish(world, "filesystem:workspace:src write", status: status, policy: policy)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in try broker.remember(request, in: transaction) }
        #expect((refusal == nil) == (expected != nil))
        #expect(try await world.effect("filesystem:workspace:src/a write") == expected ?? .deny)
        #expect(try await world.audit("capability.permission_policy").count == (expected == nil ? 0 : 1))
    }

    @Test(
        "wishes that no model may make",
        arguments: [
            ("filesystem:workspace:* write", false), ("filesystem:workspace:* delete", false), ("filesystem:workspace:* read", true),
            ("filesystem:workspace:src write", true), ("filesystem:workspace:src delete", true), ("filesystem:host:/ write", false),
            ("filesystem:host:/ read", false), ("filesystem:host:/etc write", false), ("filesystem:host:/etc/app write", true),
            ("filesystem:host:/usr delete", false), ("shell:* execute", false), ("shell:git execute", true), ("object:* admin", false),
            ("object:* grant", false), ("object:* revoke", false), ("object:obj_1 grant", true), ("object:* read", true),
            ("process:* admin", false), ("human:owner approve", false), ("human:* approve", false), ("human:owner write", true),
            ("network:* connect", false), ("network:tcp:* connect", false), ("network:tcp:example.org:443 connect", true),
            ("environment:* read", false), ("secret:* read", false), ("device:* read", false), ("syscall:* execute", false),
            ("skill_trust:abc approve", false), ("environment:LD_PRELOAD read", false),
        ])
    func breadth(_ need: String, _ isAllowed: Bool) async throws {
        let wanted = try NeededRight(need)
        let denial = PermissionBreadth.denial(of: PermissionRequest(resource: wanted.resource, rights: wanted.rights))
        #expect((denial == nil) == isAllowed)
        let world = try await World()
        let request = try await wish(world, need)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in try broker.remember(request, in: transaction) }
        #expect((refusal == nil) == isAllowed, "\(refusal?.message ?? "")")
        // To be refused for good is always possible.
        let refused = try await wish(world, need, status: .rejected)
        try await world.write { (transaction, broker) throws(LibOSError) in _ = try broker.remember(refused, in: transaction) }
        #expect(try await world.decide(need).effect == .deny)
    }
}
