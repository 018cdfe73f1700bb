import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// Calls that the supervisor carries out for the tool answer as the kernel would: the same program, outside and inside.
@Suite(.serialized) struct MediatedCallTests {
    private static func compare(_ script: String) async throws {
        try await SandboxFixture.with("compare") { fixture in
            try fixture.directory("outside", mode: 0o777)
            try fixture.directory("inside", mode: 0o777)
            let outside = try fixture.perlOutside(script, workingDirectory: fixture.path("outside"))
            let report = try await fixture.perl(
                try TestPolicies.shipped("shell"), script, workingDirectory: fixture.path("inside"))
            let expected = outside.output.split(separator: "\n").map(String.init)
            let found = report.output.split(separator: "\n").map(String.init)
            #expect(outside.code == 0 && outside.errorOutput == "", "\(outside.errorOutput)")
            #expect(report.outcome == .exited(code: 0) && report.errorOutput == "", "\(report.outcome) \(report.errorOutput)")
            #expect(!expected.isEmpty && found.count == expected.count)
            let differences = zip(expected, found).filter { $0 != $1 }.map { "outside: \($0); inside: \($1)" }
            #expect(differences == [], "of \(expected.count)")
            // What is left behind is the same too.
            let left = try HostFile.names(fixture.path("outside"))
            #expect(try HostFile.names(fixture.path("inside")) == left)
        }
    }

    /// O_WRONLY 1, O_RDWR 2, O_CREAT 0x40, O_EXCL 0x80, O_TRUNC 0x200, O_APPEND 0x400, O_NONBLOCK 0x800, O_DIRECTORY 0x10000,
    /// O_NOFOLLOW 0x20000, O_CLOEXEC 0x80000, O_PATH 0x200000.
    private static let preparation = """
        mkdir "dir"; symlink "file", "link"; symlink "missing", "dangling"; symlink "loop", "loop"; symlink "dir", "dirlink";
        open(my $f, ">", "file"); print $f "content"; close $f; open($f, ">", "dir/inner"); close $f;

        """

    @Test(.timeLimit(.minutes(1))) func `open with O_CREAT`() async throws {
        try await Self.compare(
            Self.preparation + """
                my $n = 0;
                sub try_open {
                    my ($path, $flags, $mode) = @_; $n++;
                    my $fd = syscall(2, $path, $flags, $mode // 0644); my $word = $fd < 0 ? name() : "ok";
                    # O_NOFOLLOW of the supervisor's own open stays among the flags; it means nothing once a file is open.
                    $word .= sprintf " flags %x cloexec %d", syscall(72, $fd, 3, 0) & ~0x20000, syscall(72, $fd, 1, 0) if $fd >= 0;
                    shut $fd; printf "%02d open(%s,%x) %s\\n", $n, length($path) > 40 ? length $path : $path, $flags, $word;
                }
                for my $flags (0x40, 0x41, 0x42, 0x43, 0xc1, 0x241, 0x441, 0x841, 0x20041, 0x80041, 0x10040, 0x10041, 0x200040,
                    0x101041) {
                    for my $path ("file", "link", "dangling", "dir", "dirlink", "loop", "file/", "dir/", "new/", "missing/new",
                        "file/new", "", ".", "..",
                        "/", "dir/.", "dir/..", "dir/../file", "./file", "//tmp//../nothing/x") {
                        try_open($path, $flags); unlink "missing";
                    }
                    my $fresh = "fresh" . ++$n; try_open($fresh, $flags, 0640);
                    printf "   mode %s\\n", -e $fresh ? sprintf("%o", (stat $fresh)[2]) : "none"; unlink $fresh;
                }
                my $long = "x" x 256; try_open($long, 0x41); $long = "y" x 255; try_open($long, 0x41); unlink $long;
                $long = "/x" x 3000; try_open($long, 0x41); $long = "./" x 2000 . "file"; try_open($long, 0x41);
                my $name = "file"; my $new = "n"; my $dir = "dir"; my $fd = syscall(2, $dir, 0x10000, 0); my $plain = syscall(2, $name,
                    0, 0);
                shut call "openat dirfd", 257, $fd, $new, 0x41, 0644; call "openat bad", 257, 99, $new, 0x41, 0644;
                call "openat plain", 257, $plain, $new, 0x41, 0644; my $absolute = "/proc/self/cwd/nothing/x";
                call "absolute", 257, 99, $absolute, 0x41, 0644;
                call "fault", 2, 1, 0x41, 0644; call "fault null", 2, 0, 0x41, 0644; shut call "creat", 85, $name, 0600;
                printf "size %d\\n", -s "file";
                """)
    }

    @Test(.timeLimit(.minutes(1))) func `content through O_TRUNC and O_APPEND`() async throws {
        try await Self.compare(
            """
            sub text { open(my $f, "<", $_[0]) or return "none"; local $/; return <$f> // "" }
            sub put { my ($name, $flags, $text) = @_; my $fd = syscall(2, $name, $flags, 0644); syscall(1, $fd, $text, length $text);
            shut $fd; print "$flags ", text($name), "\\n" }
            my $f = "f"; put($f, 0x41, "hello world"); put($f, 0x41, "HE"); put($f, 0x441, "!"); put($f, 0x241, "x"); put($f, 0x641, "y");
            open(my $g, ">>", "f") or die; print $g "z"; close $g; print text("f"), "\\n";
            open($g, "+>", "g") or die; print $g "both"; seek($g, 0, 0); print scalar(<$g>), "\\n";
            """)
    }

    @Test(.timeLimit(.minutes(1))) func `mkdir, mknod, symlink and link`() async throws {
        try await Self.compare(
            Self.preparation + """
                my $text = "target";
                for my $path ("new1", "new2/", "file", "dir", "link", "dangling", "loop", "dirlink", "missing/x", "file/x", "", ".",
                    "..", "dir/.", "/", "dir/", "loop/x") {
                    call "mkdir($path)", 83, $path, 0755;
                    call "mknod($path)", 133, $path, 010644, 0; call "mknod plain($path)", 133, $path, 0, 0;
                    call "mknod odd($path)", 133, $path, 0150000, 0;
                    call "symlink($path)", 88, $text, $path;
                    my $file = "file"; call "link($path)", 86, $file, $path;
                    my $other = "other"; call "link from($path)", 86, $path, $other; unlink $other;
                }
                my $empty = ""; my $s = "s"; call "symlink empty", 88, $empty, $s; my $long = "x" x 5000; call "symlink long", 88,
                    $long, $s;
                call "linkat follow", 265, -100, $text, -100, $s, 0x400; call "linkat flags", 265, -100, $text, -100, $s, 0x8000;
                call "fault mkdir", 83, 1, 0755; call "fault link", 86, 1, $s; my $d = "dir"; call "link directory", 86, $d, $s;
                """)
    }

    @Test(.timeLimit(.minutes(1))) func `rename`() async throws {
        try await Self.compare(
            Self.preparation + """
                mkdir "empty"; mkdir "full"; open(my $x, ">", "full/x"); close $x;
                my @names = ("file", "dir", "empty", "full", "link", "dangling", "missing", "missing/x", "file/x", "dir/inner", ".",
                    "..", "", "dir/", "file/", "dir/sub", "/");
                for my $from (@names) { for my $to (@names) {
                    for my $flags (1, 2, 8) { my ($a, $b) = ($from, $to); next if $flags == 2;
                    call "renameat2($from,$to,$flags)", 316, -100, $a, -100, $b, $flags; }
                } }
                my ($a, $b) = ("file", "dir/moved"); call "move", 82, $a, $b; call "back", 82, $b, $a; call "same", 82, $a, $a;
                ($a, $b) = ("dir", "dir/below"); call "below itself", 82, $a, $b; ($a, $b) = ("file", "link");
                call "exchange", 316, -100, $a, -100, $b, 2;
                print readlink("file") // "no link", "\\n"; ($a, $b) = ("full", "empty"); call "onto empty", 82, $a, $b;
                ($a, $b) = ("dir", "empty"); call "onto full", 82, $a, $b;
                call "both", 316, -100, $a, -100, $b, 3; call "fault", 82, 1, $b;
                print join(" ", sort glob "* */*"), "\\n";
                """)
    }

    @Test(.timeLimit(.minutes(1))) func `a nameless file gets its name`() async throws {
        try await Self.compare(
            """
            my ($dot, $name, $again) = (".", "named", "again"); my $fd = syscall(2, $dot, 020200002, 0640);
            print "tmpfile ", $fd >= 0 ? "ok" : name(), "\\n";
            my $text = "content"; syscall(1, $fd, $text, 7); my $path = "/proc/self/fd/$fd";
            call "linkat", 265, -100, $path, -100, $name, 0x400; printf "%o %d\\n", (stat "named")[2, 7];
            call "linkat again", 265, -100, $path, -100, $name, 0x400;
            """)
    }

    /// Descriptors by the names that /dev and /proc give them, opened the way shells do.
    @Test(.timeLimit(.minutes(1))) func `standard streams by their names`() async throws {
        let script = """
            for my $path ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1") {
                my $fd = call "open $path", 2, $path, 0x241, 0644; my $text = "through $path\\n"; syscall(1, $fd, $text, length $text);
                shut $fd;
            }
            my $file = "kept"; my $kept = syscall(2, $file, 0x42, 0644); my $path = "/dev/fd/$kept";
            shut call "file", 2, $path, 0x41, 0644;
            my $none = "/dev/fd/77"; call "none", 2, $none, 0x41, 0644; my $null = "/dev/null"; shut call "null", 2, $null, 0x241, 0644;
            """
        try await Self.compare(script)
        try await SandboxFixture.with { fixture in
            let shell = try await fixture.seal(
                try TestPolicies.shipped("workspace"),
                ["/bin/sh", "-c", "echo one > /dev/stdout; echo two > /dev/stderr; echo three > /dev/null"])
            #expect(shell.output == "one\n")
            #expect(shell.errorOutput == "two\n")
        }
    }

    /// Opening a FIFO for writing waits for its reader: the supervisor must wait for the tool and go on serving it.
    @Test(.timeLimit(.minutes(1))) func `a FIFO waits for its other side`() async throws {
        try await Self.compare(
            """
            my $fifo = "fifo"; call "mkfifo", 133, $fifo, 010644, 0; my $nonblocking = call "no reader", 2, $fifo, 0x841, 0644;
            my $child = fork();
            if (!$child) {
                for my $i (1..50) { open(my $f, ">", "busy$i") or exit 1; close $f; unlink "busy$i" }
                open(my $m, ">", "reading") or exit 1; close $m; open(my $in, "<", "fifo") or exit 2; my $line = <$in>;
                exit($line eq "word\\n" ? 0 : 3);
            }
            my $fd = syscall(2, $fifo, 0x41, 0644); print $fd >= 0 && -e "reading" ? "waited\\n" : "did not wait\\n";
            my $text = "word\\n"; syscall(1, $fd, $text, 5); shut $fd; waitpid($child, 0); print "child ", $? >> 8, "\\n";
            """)
    }

    /// A tool that is killed while its call waits leaves nothing that keeps the supervisor busy.
    @Test(.timeLimit(.minutes(1))) func `a FIFO that nobody opens ends with the tool`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace", limits: [.wall: 600])
            let report = try await fixture.perl(
                policy, "system('mkfifo', 'fifo') == 0 or die; open(my $f, '>', 'fifo') or die; print 'opened'")
            #expect(report.outcome == .timedOut(limitMilliseconds: 600))
            #expect(report.output == "")
        }
    }

    /// The kernel follows forty links in a row. The supervisor, who follows them for the tool, stops at the eighth.
    @Test(.timeLimit(.minutes(1))) func `a chain of links is followed, and one that is too long is refused`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                symlink 'end', 'link1'; symlink 'link' . ($_ - 1), "link$_" for 2..9;
                for my $name ('link7', 'link9') {
                    my $path = $name; my $fd = syscall(2, $path, 0x41, 0644);
                    print $name, ' ', $fd < 0 ? name() : -e 'end' ? 'made' : 'made elsewhere', "\\n"; shut $fd; unlink 'end';
                }
                """
            #expect(try fixture.perlOutside(script).output == "link7 made\nlink9 made\n")
            for name in try HostFile.names(fixture.workspace) { unlink(fixture.path(name)) }
            #expect(try await fixture.perl(try TestPolicies.shipped("shell"), script).output == "link7 made\nlink9 ELOOP\n")
        }
    }

    /// Calls that each take the supervisor long, from many processes, do not keep the clock from it.
    @Test(.timeLimit(.minutes(1))) func `a flood of calls that lead through links outlasts no deadline`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                mkdir 'd'; my $deep = join '/', ('d', '..') x 900;
                symlink "$deep/end", 'link1'; symlink "$deep/link" . ($_ - 1), "link$_" for 2..7;
                for (1..15) { last unless fork() // 0 }
                while (1) { my $path = 'link7'; my $fd = syscall(2, $path, 0x41, 0644); shut $fd; unlink 'end' }
                """
            let policy = try TestPolicies.shipped("shell", limits: [.wall: 1000])
            let report = try await fixture.perl(policy, script)
            #expect(report.outcome == .timedOut(limitMilliseconds: 1000))
            #expect(report.usage.createdFiles > 0)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `many processes create at once`() async throws {
        try await SandboxFixture.with { fixture in
            let script = """
                my @children; for my $p (1..8) { my $child = fork();
                if (!$child) { for my $i (1..60) { open(my $f, ">", "f$p-$i") or exit 1; print $f $i } exit 0 } push @children, $child }
                my $bad = 0; for (@children) { waitpid($_, 0); $bad++ if $? } print "bad $bad\\n";
                """
            let report = try await fixture.perl(try TestPolicies.shipped("workspace"), script)
            #expect(report.output == "bad 0\n", "\(report.outcome) \(report.errorOutput)")
            #expect(try HostFile.names(fixture.workspace).count == 480)
            #expect(report.usage.createdFiles == 480)
        }
    }
}
