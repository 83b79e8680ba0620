#!/usr/bin/env bash
# Runs `npm test` as every kind of processor computes: as it is, without oneDNN, and with what AVX2 or SSE4.1 alone have.
#
#   scripts/test-everywhere.sh [arguments of vitest, such as --project native]
#
# Prints whether each passed and how long it took; exit code 1 if one failed. What a failing one printed stands before
# its line.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kinds=('as it is:' 'without oneDNN: TF_ENABLE_ONEDNN_OPTS=0' 'AVX2: ONEDNN_MAX_CPU_ISA=AVX2' 'SSE4.1: ONEDNN_MAX_CPU_ISA=SSE41')
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
failed=0
for kind in "${kinds[@]}"; do
  read -ra setting <<<"${kind#*:}"
  SECONDS=0
  if env "${setting[@]}" npm test -- "$@" >"$log" 2>&1; then
    outcome=passed
  else
    outcome=FAILED
    failed=1
    cat "$log"
  fi
  # vitest colours its counts.
  counts=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | sed -n 's/^ *Tests  *//p' | tail -1)
  printf '%-16s %s  %4d s  %s\n' "${kind%%:*}" "$outcome" "$SECONDS" "$counts"
done
exit "$failed"
