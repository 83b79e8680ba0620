#!/usr/bin/env bash
# How much the radius rho matters to SAM and F-SAM: ResNet-18 on CIFAR-100. Started again, it goes on where it was.
#
#   scripts/rho-sweep.sh DATA_FOLDER [options of fsam sweep, such as --jobs 2, or --launcher slurm --slurm.partition P]
set -euo pipefail
data=${1:?the folder of the data set; bin/fsam data fetch cifar100 --data-dir FOLDER fills it}
fsam=$(dirname "${BASH_SOURCE[0]}")/../bin/fsam

"$fsam" sweep --config rho-cifar100 --data-dir "$data" "${@:2}"
"$fsam" report results/rho-cifar100
