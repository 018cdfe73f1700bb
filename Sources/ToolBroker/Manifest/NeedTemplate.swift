package import CapabilityLanguage
package import LibOSModel
internal import SandboxPolicy
package import StrictJSON

/// A need as a function of arguments: `filesystem:workspace:{path} read`.
///
/// An argument fills its place and nothing more. Whatever it holds, the kind, the space, the extent and the rights of the
/// resource are the template's: the filled resource is compared with the template's form before it is used.
package struct NeedTemplate: Sendable, Equatable {
    /// Without the rights and without a final `/*`.
    package var resource: ArgumentTemplate
    package var rights: Set<CapabilityRight>
    /// The place and everything below it.
    package var isTree: Bool
    package let source: String

    private static let workspacePrefix = "filesystem:workspace:"

    package static func parse(_ text: String) throws(ResourceProblem) -> NeedTemplate {
        guard let space = text.utf8.lastIndex(of: UInt8(ascii: " ")) else {
            throw ResourceProblem("`\(text)` names no right", mend: "write RESOURCE RIGHT[,RIGHT…]")
        }
        var body = String(text[..<space])
        let names = text.utf8[space...].dropFirst().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let isTree = body.hasSuffix("/*")
        if isTree { body = String(body.dropLast(2)) }
        let template: ArgumentTemplate
        do {
            template = try ArgumentTemplate.parse(body)
        } catch {
            throw ResourceProblem(error.message, mend: error.mend)
        }
        // The kind stands before every place: an argument can choose among resources of one kind, never among kinds.
        guard case .text(let head) = template.pieces.first, let colon = head.utf8.firstIndex(of: UInt8(ascii: ":")),
            ResourceKind(rawValue: String(head[..<colon])) != nil
        else {
            throw ResourceProblem(
                "`\(body)` does not begin with a kind of resource", mend: "write kind:body, for example filesystem:workspace:{path}")
        }
        if template.places.filter({ $0.selector == .each }).count > 1 {
            throw ResourceProblem("`\(body)` goes through two lists", mend: "write one need for each")
        }
        var need = NeedTemplate(resource: template, rights: [], isTree: isTree, source: text)
        if need.isWorkspacePath {
            guard template.pieces.count == 2 || template.places.isEmpty else {
                throw ResourceProblem("`\(body)` builds a path from parts", mend: "take the whole path from one argument")
            }
        }
        let sample = try need.resource(filledWith: need.sampleValues)
        need.rights = Set(try PolicyRule.rights(named: names, effect: .allow, resource: sample))
        return need
    }

    /// The argument is a path of the workspace, relative to the caller's directory there.
    var isWorkspacePath: Bool {
        if case .text(let head) = resource.pieces.first { return head == Self.workspacePrefix && !resource.places.isEmpty }
        return false
    }

    /// What a call with these arguments needs by this template: one, or one for each item of a list.
    /// - Parameter directory: the caller's directory in the workspace; `.` is the workspace itself.
    package func needs(_ arguments: JSONValue, workingDirectory directory: String) throws(LibOSError) -> [NeededRight] {
        let text = ArgumentText(arguments: arguments)
        var columns: [[String]] = []
        for place in resource.places { columns.append(try text.texts(place)) }
        let count = zip(resource.places, columns).first { $0.0.selector == .each }?.1.count ?? 1
        var result: [NeededRight] = []
        for row in 0..<count {
            let values = zip(resource.places, columns).map { $0.0.selector == .each ? $0.1[row] : $0.1[0] }
            result.append(NeededRight(resource: try resource(values, directory), rights: rights))
        }
        return result
    }

    private func resource(_ values: [String], _ directory: String) throws(LibOSError) -> Resource {
        do throws(ResourceProblem) {
            guard isWorkspacePath else {
                for value in values { try Self.checkPart(value) }
                return try resource(filledWith: values)
            }
            var resource = try WorkspacePath.resolve(values[0], in: directory).resource
            if isTree { resource.extent = .tree }
            return resource
        } catch {
            throw LibOSError(.validation, printable(error.message), mend: printable(error.mend))
        }
    }

    /// Fills the template's text and reads it: what comes out must have the template's own form.
    private func resource(filledWith values: [String]) throws(ResourceProblem) -> Resource {
        let samples = sampleValues
        var text = ""
        var form = ""
        var next = 0
        for piece in resource.pieces {
            switch piece {
            case .text(let literal):
                text += literal
                form += literal
            case .place:
                text += values[next]
                form += samples[next]
                next += 1
            }
        }
        let suffix = isTree ? "/*" : ""
        let filled = isTree ? try Resource.parse(text + suffix) : try Self.action(text)
        let expected = isTree ? try Resource.parse(form + suffix) : try Self.action(form)
        // A program's absolute path has a part more than its bare name.
        let sameParts = filled.kind == .shell || filled.parts.count == expected.parts.count
        guard filled.kind == expected.kind, filled.kind == .shell || filled.extent == expected.extent, sameParts else {
            throw ResourceProblem("`\(text)` is another resource than `\(source)` means", mend: "name one resource")
        }
        return filled
    }

    /// Something harmless for each place, of the shape that stands there: a letter where a host or a variable is named, which no number is.
    private var sampleValues: [String] {
        var values: [String] = []
        var form = ""
        for piece in resource.pieces {
            switch piece {
            case .text(let literal): form += literal
            case .place:
                let isHost = form.hasPrefix("network:tcp:") && form.utf8.count { $0 == UInt8(ascii: ":") } == 2
                values.append(isHost || form.hasPrefix("environment:") ? "a" : "1")
                form += values[values.count - 1]
            }
        }
        return values
    }

    /// A need without arguments may be a pattern (`filesystem:workspace:*`); one with arguments names one resource.
    private static func action(_ text: String) throws(ResourceProblem) -> Resource {
        text.hasSuffix("*") ? try Resource.parse(text) : try Resource.parseAction(text)
    }

    /// What fills a place in another resource than a workspace path.
    private static func checkPart(_ value: String) throws(ResourceProblem) {
        if value.isEmpty { throw ResourceProblem("an argument that names a resource is empty", mend: "name one") }
        if value.utf8.contains(UInt8(ascii: "*")) { throw ResourceProblem("`\(value)` is a pattern", mend: "name one resource") }
        if value.utf8.contains(UInt8(ascii: ":")) { throw ResourceProblem("`\(value)` holds a `:`", mend: "name one part alone") }
        if value.utf8.count > Resource.longestText {
            throw ResourceProblem("an argument is too long for a name", mend: "name one resource")
        }
    }
}
