package import SandboxLauncher
package import SandboxPolicy

/// Small programs for calls with arguments that sandbox-probe has no action for. Perl is an essential package of Debian and
/// can make any system call with strings as pointers.
package enum PerlScript {
    package static func arguments(_ script: String, _ more: [String] = []) -> [String] {
        ["/usr/bin/perl", "-e", prelude + script] + more
    }

    /// `call NAME, NUMBER, ARGUMENT…` prints `NAME ok` or `NAME <errno symbol>` and gives the result.
    private static let prelude = """
        use strict; use warnings; use Errno; use Fcntl; $| = 1; umask 022;
        sub name { for my $key (keys %!) { return $key if $!{$key} && $key !~ /^(EWOULDBLOCK|EDEADLOCK|ENOTSUP)$/ } return 0 + $! }
        sub call {
            my ($label, $number, @rest) = @_;
            my $result = syscall($number, @rest);
            my $word = $result == -1 ? name() : "ok";
            print "$label $word\\n";
            return $result;
        }
        sub shut { my $number = shift; syscall(3, $number) if $number >= 0 }

        """
}

extension SandboxFixture {
    package func perl(_ policy: ResolvedPolicy, _ script: String, workingDirectory: String? = nil) async throws -> RunReport {
        try await seal(policy, PerlScript.arguments(script), workingDirectory: workingDirectory)
    }

    package func perlOutside(_ script: String, workingDirectory: String? = nil) throws -> BareProcess.Ended {
        // close_range(2): another test may just be showing that what it leaks does not reach a tool, and here it would.
        try BareProcess.run(
            PerlScript.arguments("syscall(436, 3, 4294967295, 0);\n" + script), workingDirectory: workingDirectory ?? workspace)
    }
}
