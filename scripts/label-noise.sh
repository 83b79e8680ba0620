#!/usr/bin/env bash
# Training on wrong labels: ResNet-18 on CIFAR-10, symmetric noise at five rates. Started again, it goes on where it was.
#
#   scripts/label-noise.sh DATA_FOLDER [options of fsam sweep, such as --jobs 2, or --launcher slurm --slurm.partition P]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/ablation.sh"
want_folder "${1-}" 'the folder of the data set; bin/fsam data fetch cifar10 --data-dir FOLDER fills it'

ablation "$1" label-noise-cifar10 "${@:2}"
