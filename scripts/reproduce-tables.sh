#!/usr/bin/env bash
# The paper's tables of CIFAR-10 and CIFAR-100: every network and optimizer, three seeds. Started again, it goes on.
#
#   scripts/reproduce-tables.sh DATA_FOLDER [options of fsam sweep, such as --launcher slurm --slurm.partition P]
set -euo pipefail
data=${1:?the folder of both data sets; bin/fsam data fetch cifar10 --data-dir FOLDER and cifar100 fill it}
fsam=$(dirname "${BASH_SOURCE[0]}")/../bin/fsam

for table in table-cifar10 table-cifar100; do
  "$fsam" sweep --config "$table" --data-dir "$data" "${@:2}"
  "$fsam" report "results/$table"
done
