#!/usr/bin/env bash
# Does everything work? Seconds on any machine: a tiny run, a tiny sweep of every network family, and a report on it.
#
#   scripts/ci-smoke.sh [OUT]
set -euo pipefail
out=${1:-results/ci-smoke}
fsam=$(dirname "${BASH_SOURCE[0]}")/../bin/fsam

"$fsam" train --config smoke --out "$out/smoke" --resume
"$fsam" sweep --config tiny-table --out "$out/table" --jobs 2 --max-steps 2 --no-estimate
"$fsam" report "$out/table"
