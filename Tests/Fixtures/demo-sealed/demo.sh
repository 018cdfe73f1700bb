#!/bin/bash
# Five real things under shipped policies, each with its receipt. GLOVEBOX is the program to show. Ends with a failure when
# something was not contained, or when what should work did not. Uses no network; leaves nothing behind.
set -euo pipefail

fixtures=$(cd "$(dirname "$0")" && pwd)
: "${GLOVEBOX:?set GLOVEBOX to the glovebox program, or run \`make demo\`}"
glovebox=$(realpath "$GLOVEBOX")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/glovebox-demo-XXXXXXXX")
listener=
failures=0

cleanup() {
    [[ -z $listener ]] || kill "$listener" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' dim='' green='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

# The demo's own git commands obey no settings of this machine.
unset "${!GIT_@}"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

title() { printf '\n%s%s%s\n%s\n' "$bold" "$1" "$plain" "$2"; }

# sealed POLICY [OPTION…] -- COMMAND…: runs it in the workspace, shows what it wrote, leaves its exit code in `code`.
sealed() {
    local shown=() words=("$@") word
    for word in "${words[@]}"; do shown+=("${word//$scratch/…}"); done
    printf '  %s$ glovebox run --policy %s%s\n' "$dim" "${shown[*]}" "$plain"
    code=0
    "$glovebox" run --report "$scratch/report.json" --workspace "$scratch/workspace" --policy "${words[@]}" \
        >"$scratch/output" 2>&1 </dev/null || code=$?
    show
}

show() {
    sed "s|$scratch|…|g; s/^/  | /" "$scratch/output"
    printf '  | %sexit code %s%s\n' "$dim" "$code" "$plain"
}

receipt() { python3 "$fixtures/receipt.py" "$scratch/report.json" "$@" | sed "s|$scratch|…|g; s/^/  /"; }

# expect SENTENCE COMMAND…: the sentence is true when the command succeeds.
expect() {
    local sentence=$1
    shift
    if "$@" >/dev/null 2>&1; then
        printf '  %sok%s    %s\n' "$green" "$plain" "$sentence"
    else
        printf '  %sWRONG%s %s\n' "$red" "$plain" "$sentence"
        failures=$((failures + 1))
    fi
}

wrote() { grep -qF -- "$1" "$scratch/output"; }
report_says() { python3 "$fixtures/receipt.py" "$scratch/report.json" --has "$@"; }
nobody_left() { [[ $(python3 "$fixtures/processes.py" count "$1") == 0 ]]; }

mkdir "$scratch/workspace" "$scratch/private" "$scratch/outside"
cp "$fixtures"/{hello.c,spy.py,fork-bomb.py,stubborn.py} "$scratch/workspace"
echo "the secret of the demo" >"$scratch/private/secret.txt"
printf 'shown by: %s\n' "$("$glovebox" version)"

# ---- 1 --------------------------------------------------------------------------------------------------------------

title "1. git log, policy read-only" \
    "An everyday tool reads a repository. It sees the workspace and the system's programs, and can change nothing."
git -C "$scratch/workspace" init -q
git -C "$scratch/workspace" add hello.c
git -C "$scratch/workspace" -c user.name=Demo -c user.email=demo@example.org commit -qm "Say hello"
sealed read-only -- git log --stat --format='%h %an: %s'
receipt --layers
expect "git could do its work" test "$code" = 0
expect "the commit was shown" wrote "Demo: Say hello"

# ---- 2 --------------------------------------------------------------------------------------------------------------

title "2. A curious Python script, policy python" \
    "It tries to read a secret beside the workspace, to reach a server on this host's loopback, and to write outside."
exec {from_listener}< <(exec python3 -u "$fixtures/listener.py" "$scratch/visits")
listener=$!
read -r -u "$from_listener" port
spy=(python3 spy.py "$scratch/private/secret.txt" "$port" "$scratch/outside/note.txt")
printf '  %s$ %s   (bare, without Glovebox)%s\n' "$dim" "${spy[*]//$scratch/…}" "$plain"
code=0
(cd "$scratch/workspace" && "${spy[@]}") >"$scratch/output" 2>&1 || code=$?
show
expect "bare, it reads the secret" wrote "read: the secret of the demo"
expect "bare, it reaches the server" wrote "reached: hello from the host"
expect "bare, it writes outside" test -f "$scratch/outside/note.txt"
rm -f "$scratch/outside/note.txt"
sealed python -- "${spy[@]}"
receipt
expect "the script itself ran" wrote "the spy is done"
expect "sealed, the secret stayed secret" test -z "$(grep -F 'the secret of the demo' "$scratch/output" || true)"
expect "sealed, nobody visited the server" test "$(wc -l <"$scratch/visits")" = 1
expect "sealed, nothing was written outside" test ! -e "$scratch/outside/note.txt"
expect "the refused socket is in the report" report_says violation socket

# ---- 3 --------------------------------------------------------------------------------------------------------------

title "3. A C compiler, policy build" \
    "What a build needs works: many processes, files in the workspace, and running what was built."
sealed build -- sh -c 'cc -O2 -Wall -o hello hello.c && ./hello'
receipt
expect "the program was compiled and ran" wrote "hello from inside the glovebox"
expect "it lies in the workspace, with the workspace's owner" \
    test "$(stat -c %u:%g "$scratch/workspace/hello")" = "$(stat -c %u:%g "$scratch/workspace")"

# ---- 4 --------------------------------------------------------------------------------------------------------------

title "4. A fork bomb, policy python, two seconds" \
    "Every process forks as often as it can. The policy allows 64 at once; the host counts along."
mark="demo-bomb-$$"
printf '  %s$ glovebox run --policy python --timeout 2s -- python3 fork-bomb.py %s%s\n' "$dim" "$mark" "$plain"
"$glovebox" run --report "$scratch/report.json" --workspace "$scratch/workspace" --policy python --timeout 2s \
    -- python3 fork-bomb.py "$mark" >"$scratch/output" 2>&1 </dev/null &
bomb=$!
most=$(python3 "$fixtures/processes.py" most "$mark" "$bomb")
code=0
wait "$bomb" || code=$?
show
receipt
expect "the bomb went off: $most processes were alive at once, as the host saw it" test "$most" -ge 16
expect "it stayed within the policy's 64" test "$most" -le 64
expect "time ended it" test "$code" = 124
expect "nothing of it is alive" nobody_left "$mark"

# ---- 5 --------------------------------------------------------------------------------------------------------------

title "5. A tool that ignores SIGTERM, policy workspace, --timeout 2s" \
    "It also starts a daemon in a session of its own, in the hope to be forgotten."
mark="demo-stubborn-$$"
sealed workspace --timeout 2s -- python3 stubborn.py "$mark"
receipt
expect "the tool heard SIGTERM and stayed" wrote "SIGTERM? I think not"
expect "it timed out all the same" test "$code" = 124
expect "the report says so" report_says outcome timed_out
expect "the tool and its daemon are dead" nobody_left "$mark"

printf '\n'
if ((failures)); then
    printf '%s%d of the statements above are WRONG: this host does not contain its tools as it should; see `glovebox doctor`%s\n' \
        "$red" "$failures" "$plain"
    exit 1
fi
printf '%sEvery statement above was checked and holds.%s\n' "$green" "$plain"
