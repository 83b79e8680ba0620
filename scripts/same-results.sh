#!/usr/bin/env bash
# Do two commits give the same results, to the bit? Some minutes.
#
#   scripts/same-results.sh OLD NEW
#
# Builds both in work trees beside each other, runs the same commands in both, and compares all numbers that they leave:
# the CSV files but for timing.csv, what `fsam eval` prints, and every tensor of every checkpoint by name. Exit code 1
# where one differs; the runs are kept then.
set -euo pipefail
if [[ $# -ne 2 ]]; then
  echo 'usage: scripts/same-results.sh OLD NEW (two commits)' >&2
  exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
hashes=$PWD/scripts/result-hashes.mjs
work=$(mktemp -d)
cleanup() {
  git worktree remove --force "$work/old" 2>/dev/null || true
  git worktree remove --force "$work/new" 2>/dev/null || true
}
trap cleanup EXIT

features=(labelNoise.rate=0.4 data.validation=40 weightAverage=0.9 microBatches=3 dropLast=true labelSmoothing=0.1
  checkpoint.keepBest=true optimizer.name=fasam optimizer.clipNorm=1 evaluationBatchSize=24)
adamw=(model.name=vit model.patch=8 model.width=16 model.layers=2 model.heads=2 model.dropout=0.1
  optimizer.name=adamw schedule.name=step schedule.milestones=[1] batchSize=24)

# All runs of one commit, in the folder $2, by the program of the work tree $1.
run_all() {
  local fsam=$1/bin/fsam out=$2
  mkdir -p "$out"
  cd "$out"
  "$fsam" doctor >/dev/null # sets it up
  for config in "$1"/configs/tiny/*.yaml; do
    local data=()
    if [[ $config == */imagenet-* ]]; then
      data=(--data-dir "$work/pictures")
      [[ -d $work/pictures ]] || node "$1/scripts/draw-pictures.mjs" "$work/pictures"
    fi
    "$fsam" train --config "$config" --out "tiny/$(basename "$config" .yaml)" --quiet "${data[@]}"
  done
  "$fsam" train --config quickstart --max-steps 200 --out quickstart --quiet
  "$fsam" train --config smoke "${features[@]/#/--set=}" --out features --quiet
  "$fsam" train --config smoke "${adamw[@]/#/--set=}" --out adamw --quiet
  "$fsam" train --config smoke --epochs 6 --out resumed --quiet &
  until [[ -s resumed/metrics.csv && $(wc -l <resumed/metrics.csv) -gt 1 ]]; do sleep 0.1; done
  kill -TERM $!
  wait $! || true
  # Both sides go on with what the old one left, too.
  [[ -d $work/stopped ]] || cp -r resumed "$work/stopped"
  cp -r "$work/stopped" inherited
  for run in resumed inherited; do
    "$fsam" train --config smoke --epochs 6 --out "$run" --quiet --resume
  done
  "$fsam" sweep --config tiny-table --max-steps 2 --out table --no-estimate --quiet
  for run in quickstart features adamw; do
    "$fsam" eval "$run" >"$run-eval.csv"
    "$fsam" eval "$run" --split train >"$run-eval-train.csv"
  done
}

for side in old new; do
  commit=$1
  [[ $side == new ]] && commit=$2
  git worktree add --quiet --detach "$work/$side" "$commit"
  echo "$side: $(git log -1 --format='%h %s' "$commit")"
  (run_all "$work/$side" "$work/$side-runs")
  node "$hashes" "$work/$side-runs" >"$work/$side.txt"
done

if diff "$work/old.txt" "$work/new.txt"; then
  echo "the same: $(wc -l <"$work/new.txt") tables and tensors"
  rm -rf "$work"
else
  echo "not the same; the runs are in $work" >&2
  exit 1
fi
