internal import StrictJSON
internal import ToolBroker

/// Channel tools in Perl, which every Debian has: well-behaved and hostile ones.
enum PerlTool {
    /// A manifest whose program reads the call, then does `script`. `$c` is the channel, `$id` the call's nonce; `say_` writes a line,
    /// `ask(NAME, JSON)` makes a libOS call and gives back its answer's text, `result(JSON)` ends the call.
    static func manifest(
        _ script: String, name: String = "perl_tool", needs: [String] = [], syscalls: [String] = LibOSCall.names,
        policy: String = "runtime", limits: String = "{wall: 60s}",
        input: String = "{type: object, additionalProperties: false}"
    ) -> String {
        let code = JSONValue.string(prelude + script).canonicalText.replacing("{", with: "{{").replacing("}", with: "}}")
        return """
            manifest: 1
            name: \(name)
            description: a test
            protocol: channel
            run: ["/usr/bin/perl", "-e", \(code)]
            policy: \(policy)
            limits: \(limits)
            syscalls: \(JSONValue.strings(syscalls).canonicalText)
            needs: \(JSONValue.strings(needs).canonicalText)
            input: \(input)
            """
    }

    private static let prelude = #"""
        use strict; use warnings; use IO::Handle;
        open(my $c, "+<&=", 3) or die; binmode($c);
        my $line = <$c>; my ($id) = $line =~ /"id":"([0-9a-f]+)"/; my $n = 0;
        sub say_ { my $text = $_[0] . "\n"; while (length $text) { my $k = syswrite($c, $text); die unless $k; $text = substr($text, $k) } }
        sub ask { $n++; say_('{"jsonrpc":"2.0","id":' . $n . ',"method":"libos.' . $_[0] . '","params":' . $_[1] . '}'); my $a = <$c>; chomp $a; return $a }
        sub result { say_('{"jsonrpc":"2.0","id":"' . $id . '","result":{"data":' . $_[0] . '}}') }

        """#
}
