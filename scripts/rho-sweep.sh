#!/usr/bin/env bash
# How much the radius rho matters to SAM and F-SAM: ResNet-18 on CIFAR-100. Started again, it goes on where it was.
#
#   scripts/rho-sweep.sh DATA_FOLDER [options of fsam sweep, such as --jobs 2, or --launcher slurm --slurm.partition P]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/ablation.sh"
want_folder "${1-}" 'the folder of the data set; bin/fsam data fetch cifar100 --data-dir FOLDER fills it'

ablation "$1" rho-cifar100 "${@:2}"
