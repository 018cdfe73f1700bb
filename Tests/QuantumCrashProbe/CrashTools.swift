internal import StrictJSON

/// Tools of the probe's own.
enum CrashTools {
    static let names = ["append_line", "libos_calls"]
    static let manifests = [appendLine, libOSCalls]

    /// What was done twice stands there twice.
    private static let appendLine = """
        manifest: 1
        name: append_line
        description: appends a line to the log
        protocol: command
        run: [/bin/sh, -c, 'echo "$1" >>log.txt', sh, "{line}"]
        policy: shell
        needs: ["filesystem:workspace:log.txt read,write"]
        input: {type: object, additionalProperties: false, required: [line], properties: {line: {type: string}}}
        """

    private static let libOSCalls = """
        manifest: 1
        name: libos_calls
        description: makes libOS calls
        protocol: channel
        run: [/usr/bin/perl, -e, \(JSONValue.string(script).canonicalText.replacing("{", with: "{{").replacing("}", with: "}}"))]
        policy: workspace
        syscalls: [clock.now, filesystem.write_text, memory.create_object, human.ask]
        input: {type: object, additionalProperties: false, required: [name], properties: {name: {type: string}}}
        """

    private static let script = #"""
        use strict; use warnings;
        open(my $c, "+<&=", 3) or die; binmode($c);
        my $line = <$c>; my ($id) = $line =~ /"id":"([0-9a-f]+)"/; my ($name) = $line =~ /"name":"([a-z.]+)"/; my $n = 0;
        sub put { syswrite($c, $_[0] . "\n") }
        sub ask { $n++; put('{"jsonrpc":"2.0","id":' . $n . ',"method":"libos.' . $_[0] . '","params":' . $_[1] . '}'); return scalar <$c> }
        ask("clock.now", "{}");
        ask("filesystem.write_text", '{"path":"' . $name . '","text":"nested"}');
        ask("memory.create_object", '{"type":"artifact","payload":"nested"}');
        ask("human.ask", '{"question":"may it end?"}');
        put('{"jsonrpc":"2.0","id":"' . $id . '","result":{"data":{}}}');
        """#
}
