#!/bin/bash
# A scripted agent mends a bug in a small repository, with people who are asked and a tool that is hostile. GLOVEBOX is the
# program to show. Ends with a failure when something was not contained, or when what should work did not. Uses no network and
# no model; leaves nothing behind.
set -euo pipefail

fixtures=$(cd "$(dirname "$0")" && pwd)
shared=$fixtures/../demo-sealed
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

title() { printf '\n%s%s%s\n%s\n' "$bold" "$1" "$plain" "$2"; }

# agent WORD…: glovebox in the repository; shows the command and what it wrote, leaves its exit code in `code`.
agent() {
    printf '  %s$ glovebox %s%s\n' "$dim" "$(printf '%s ' "$@" | sed "s|$scratch|…|g")" "$plain"
    code=0
    (cd "$scratch/repository" && "$glovebox" "$@") >"$scratch/output" 2>&1 </dev/null || code=$?
    show
}

show() { sed "s|$scratch|…|g; s/^/  | /" "$scratch/output" | cut -c1-"${COLUMNS:-220}"; }

# quiet WORD…: the same for machines; writes what it printed.
quiet() { (cd "$scratch/repository" && "$glovebox" "$@" </dev/null); }

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
not() { ! "$@"; }
nobody_left() { [[ $(python3 "$shared/processes.py" count "$1") == 0 ]]; }
status() { quiet agent show "$pid" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])'; }
result() {
    quiet agent show "$pid" --json | python3 -c '
import json, sys
print([call["result_oid"] for call in json.load(sys.stdin)["recent_calls"] if call["tool"] == sys.argv[1]][0])' "$1"
}
request() {
    quiet human list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"][0]["request_id"])'
}

export XDG_STATE_HOME=$scratch/state XDG_CONFIG_HOME=$scratch/config
cp -r "$fixtures/repository" "$scratch/repository"
mkdir "$scratch/private"
echo "the secret of the demo" >"$scratch/private/secret.txt"
echo "API_KEY=the key of the demo" >"$scratch/repository/.env"
mark="demo-agent-$$"
exec {from_listener}< <(exec python3 -u "$shared/listener.py" "$scratch/visits")
listener=$!
read -r -u "$from_listener" port
sed "s|@SECRET@|$scratch/private/secret.txt|; s|@PORT@|$port|; s|@MARK@|$mark|" "$fixtures/plan.yaml" >"$scratch/plan.yaml"
run=(agent run --script "$scratch/plan.yaml" --tools "$fixtures/tools")
printf 'shown by: %s\n' "$("$glovebox" version)"

# ---- 1 --------------------------------------------------------------------------------------------------------------

title "1. An agent gets its authority" \
    "It may read the repository and run Python; changes are asked for. What no one gave it, it has not."
agent agent spawn --preset edit --goal "mend the failing test" --allow shell:python3=execute --tool style_check --tools "$fixtures/tools"
pid=$(cat "$scratch/output")
agent capability list "$pid"

# ---- 2 --------------------------------------------------------------------------------------------------------------

title "2. It looks around, runs the tests, and tries a tool from the net" \
    "Each action is decided, sealed and recorded. The tool is hostile; outside of Glovebox it would win:"
printf '  %s$ python3 style_check.py …   (bare, without Glovebox)%s\n' "$dim" "$plain"
(cd "$scratch/repository" && timeout 20 python3 "$fixtures/tools/style_check.py" wordstat/count.py "$scratch/private/secret.txt" "$port" \
    "$mark-bare") >"$scratch/output" 2>&1 </dev/null || true
show
expect "bare, it reads the secret" wrote "READ the secret of the demo"
expect "bare, it phones home" wrote "REACHED hello from the host"
expect "bare, it leaves a process behind" not nobody_left "$mark-bare"
python3 "$shared/processes.py" end "$mark-bare"
agent "${run[@]}"
expect "the tests fail" wrote 'unittest"]}: done, exit code 1'
expect "the project's secrets were kept from the agent" wrote "denied by deny filesystem:workspace:.env"
expect "the run ended with a question" test "$code" = 125
printf '  %sWhat the hostile tool got this time:%s\n' "$dim" "$plain"
quiet memory show "$(result style_check)" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["payload"]["content"])' \
    >"$scratch/output"
show
expect "sealed, the tool says so itself" not grep -qE 'READ|REACHED' "$scratch/output"
expect "the hostile tool visited nobody" test "$(wc -l <"$scratch/visits")" = 1
expect "nothing of the hostile tool is alive" nobody_left "$mark"

# ---- 3 --------------------------------------------------------------------------------------------------------------

title "3. It asks, and people decide, each from a command of their own" \
    "The agent's program has ended; the question, and the action that waits for it, are in the store."
agent human answer "$(request)" "yes, any white space"
agent "${run[@]}"
agent human show "$(request)"
agent human reject "$(request)" --reason "the tests stay; mend the code"
agent "${run[@]}"
expect "the tests are still there" test -f "$scratch/repository/tests/test_count.py"
agent human show "$(request)"
expect "nothing was written before the yes" grep -qF 'split(" ")' "$scratch/repository/wordstat/count.py"
agent human approve "$(request)" --yes

# ---- 4 --------------------------------------------------------------------------------------------------------------

title "4. The very action that waited is done, once, and the tests pass" \
    "The approval is bound to the action's hash: another text would have to be asked for anew."
agent "${run[@]}"
expect "the tests pass" wrote 'unittest"]}: done'
expect "none of them fails" not wrote "exit code"
expect "the agent came to its end" test "$code" = 0
expect "the process has exited" test "$(status)" = exited
expect "the bug is mended" grep -qF 'split()]' "$scratch/repository/wordstat/count.py"
expect "the tests pass outside, too" \
    env -C "$scratch/repository" python3 -B -m unittest

# ---- 5 --------------------------------------------------------------------------------------------------------------

title "5. The account: what was allowed, asked and denied, and why" \
    "All of it from the record. \`glovebox why\` explains each id in it further."
agent why "$pid"
expect "the refused secret is in it" wrote "deny filesystem:workspace:.env"
expect "the refused call home is in it" wrote "socket("
expect "the rejected deletion is in it" wrote "the tests stay; mend the code"
quiet audit export >"$scratch/export.jsonl"
expect "no record holds a secret" not grep -qF -e "the secret of the demo" -e "the key of the demo" "$scratch/export.jsonl"
agent audit verify
expect "the chain of all records is whole" test "$code" = 0

printf '\n'
if ((failures)); then
    printf '%s%d of the statements above are WRONG: see `glovebox doctor` for what this host can enforce%s\n' "$red" "$failures" "$plain"
    exit 1
fi
printf '%sEvery statement above was checked and holds.%s\n' "$green" "$plain"
