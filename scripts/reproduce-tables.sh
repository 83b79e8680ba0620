#!/usr/bin/env bash
# The paper's tables of CIFAR-10 and CIFAR-100: every network and optimizer, three seeds. Started again, it goes on.
#
#   scripts/reproduce-tables.sh DATA_FOLDER [options of fsam sweep, such as --launcher slurm --slurm.partition P]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/ablation.sh"
want_folder "${1-}" 'the folder of both data sets; bin/fsam data fetch cifar10 --data-dir FOLDER and cifar100 fill it'

for table in table-cifar10 table-cifar100; do
  ablation "$1" "$table" "${@:2}"
done
