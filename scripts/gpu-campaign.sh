#!/usr/bin/env bash
# How fast is a GPU? Images a second of SGD, SAM and F-SAM for CIFAR-100's ResNet-18 and ImageNet's ResNet-50, in every
# arithmetic, beside PyTorch where Python has it; start-up, evaluation, memory. Ten minutes, no network, synthetic images.
#
#   scripts/gpu-campaign.sh [--device gpu|cpu] [--small] [--budget SECONDS] [--out FOLDER] [--python PYTHON] [--data-dir CIFAR100]
#
# Parts run in the order of what is most worth knowing, each with a limit; one that fails is recorded with its error, and
# those that the budget leaves no time for as not begun. With --data-dir, last and beyond the budget, the first 5 epochs of
# the published run. Writes FOLDER/campaign.json and FOLDER/campaign.md. --small: tiny networks, to try it on a CPU.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

device=gpu small=false budget=600 out=results/gpu-campaign python=${FSAM_PYTHON:-python3} data=
usage() {
  sed -n 's/^# \{0,3\}\(scripts\/gpu-campaign.*\)/usage: \1/p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
while [[ $# -gt 0 ]]; do
  case $1 in
    --small) small=true && shift && continue ;;
    --device | --budget | --out | --python | --data-dir) [[ $# -gt 1 ]] || usage ;;&
    --device) device=$2 ;;
    --budget) budget=$2 ;;
    --out) out=$2 ;;
    --python) python=$2 ;;
    --data-dir) data=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $device == gpu || $device == cpu ]] && [[ $budget =~ ^[1-9][0-9]*$ ]] || usage

rm -rf "$out/parts"
mkdir -p "$out/parts"
# Before the clock starts: sets up what is missing.
bin/fsam doctor >"$out/doctor.txt" || exit

limit=90 steps=(--steps 30 --warmup 10)
cifar=(--config cifar100-resnet18) imagenet=(--config imagenet-resnet50) batches=(128 512)
if $small; then
  limit=60 steps=(--steps 2 --warmup 1) batches=(8 16)
  cifar+=(--set model.width=8)
  imagenet+=(--set model.width=8 --set data.imageSize=64)
fi
beside=()
if "$python" -c 'import torch' 2>/dev/null; then
  beside=(--against scripts/bench_pytorch.py --python "$python" --against-modes channels_last compile)
fi

# part NAME LIMIT COMMAND...: runs it, and leaves NAME.log, NAME.status and, of a GPU, NAME.memory in parts/.
part() {
  local name=$1 most=$2 file=$out/parts/$1 sampler= begun ended code=0
  shift 2
  if ((SECONDS >= budget)); then
    echo 'not begun 0' >"$file.status"
    return
  fi
  if [[ $device == gpu ]]; then
    nvidia-smi --query-compute-apps=process_name,used_memory --format=csv,noheader,nounits -lms 500 >"$file.memory" 2>/dev/null &
    sampler=$!
  fi
  begun=$(date +%s.%N)
  timeout -k 5 "$most" "$@" >"$file.log" 2>&1 || code=$?
  ended=$(date +%s.%N)
  [[ -z $sampler ]] || { kill "$sampler" && wait "$sampler"; } 2>/dev/null
  echo "$code $(echo "$begun $ended" | awk '{ printf "%.2f", $2 - $1 }')" >"$file.status"
  echo "$SECONDS s: $name, code $code" >&2
}

# bench NAME CONFIG-ARRAY BATCH OPTIMIZER ARITHMETIC [OPTIONS...]
bench() {
  local name=$1 batch=$3 optimizer=$4 arithmetic=$5
  local -n config=$2
  shift 5
  local -A keys=(
    [tf32]='tf32=true' [float32]='tf32=false' [bfloat16]='model.precision=bfloat16'
    [tf32+xla]='tf32=true xla=on' [bfloat16+xla]='model.precision=bfloat16 xla=on'
    [bfloat16+persistent]='model.precision=bfloat16'
  )
  local words=() assignment
  for assignment in ${keys[$arithmetic]}; do words+=(--set "$assignment"); done
  local environment=()
  [[ $arithmetic != *+persistent ]] || environment=(TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT=1)
  part "$name,$batch,$optimizer,$arithmetic" "$limit" env "${environment[@]}" bin/fsam bench "${config[@]}" \
    --set "optimizer.name=$optimizer" "${words[@]}" --device "$device" --batch "$batch" --modes compiled "${steps[@]}" \
    --json "$out/parts/$name,$batch,$optimizer,$arithmetic.json" "$@"
}

# train NAME TEST-IMAGES: a run of one step, and so the start-up; with more test images, an evaluation as well.
train() {
  part "$1" "$limit" bin/fsam train --config cifar100-resnet18 --device "$device" --max-steps 1 --quiet --overwrite \
    --out "$out/parts/$1.run" "${cifar[@]:2}" --set data.name=synthetic --set data.synthetic.size=32 \
    --set data.synthetic.channels=3 --set data.synthetic.classes=100 --set data.synthetic.train=128 \
    --set "data.synthetic.test=$2"
}

SECONDS=0
train start-up 1
# First what is asked most, with PyTorch beside it.
for arithmetic in tf32 bfloat16; do bench cifar100-resnet18 cifar "${batches[0]}" fsam $arithmetic "${beside[@]}"; done
bench imagenet-resnet50 imagenet "${batches[0]}" fsam bfloat16 "${beside[@]}"
for optimizer in sgd sam; do bench cifar100-resnet18 cifar "${batches[0]}" $optimizer tf32; done
for arithmetic in float32 tf32+xla bfloat16+xla bfloat16+persistent; do
  bench cifar100-resnet18 cifar "${batches[0]}" fsam $arithmetic
done
for arithmetic in tf32 bfloat16; do bench cifar100-resnet18 cifar "${batches[1]}" fsam $arithmetic "${beside[@]}"; done
train evaluation $($small && echo 500 || echo 10000)
for arithmetic in tf32 float32 bfloat16+xla; do bench imagenet-resnet50 imagenet "${batches[0]}" fsam $arithmetic; done
for optimizer in sgd sam; do bench imagenet-resnet50 imagenet "${batches[0]}" $optimizer bfloat16; done
bench imagenet-resnet50 imagenet "${batches[1]}" fsam bfloat16
# Then the rest of the grid.
for optimizer in sgd sam; do
  bench cifar100-resnet18 cifar "${batches[0]}" $optimizer bfloat16
  for arithmetic in tf32 bfloat16; do bench cifar100-resnet18 cifar "${batches[1]}" $optimizer $arithmetic; done
done
for arithmetic in float32 tf32+xla bfloat16+xla; do bench cifar100-resnet18 cifar "${batches[1]}" fsam $arithmetic; done
for optimizer in sgd sam fsam; do bench imagenet-resnet50 imagenet "${batches[1]}" $optimizer tf32; done
took=$SECONDS
if [[ -n $data ]]; then
  budget=$((SECONDS + 1))
  part published 900 bin/fsam train --config cifar100-resnet18 --data-dir "$data" --device "$device" --seed 1 \
    --max-steps $((5 * 391)) --quiet --overwrite --out "$out/parts/published.run"
fi
node scripts/campaign-table.mjs "$out" "$device" "$took"
