# Sourced by the scripts of the paper's ablations: how they run sweeps and report them.

# want_folder ARGUMENT WHAT: a user's mistake ends with 2, as fsam's own do.
want_folder() {
  case $1 in
    '' | -*)
      echo "$(basename "$0"): got ${1:-nothing}, wanted first $2" >&2
      exit 2
      ;;
  esac
}

# ablation DATA_FOLDER NAME [options of fsam sweep]
# Where the options leave nothing finished, as through Slurm, there is no report yet: its command is printed instead.
ablation() {
  local fsam data=$1 name=$2
  fsam=$(dirname "${BASH_SOURCE[0]}")/../bin/fsam
  shift 2
  "$fsam" sweep --config "$name" --data-dir "$data" "$@"
  case " $* " in
    *' --launcher slurm '* | *' --launcher=slurm '* | *' --dry-run '* | *' --status '*)
      echo "when the points are done: $fsam report results/$name" >&2
      ;;
    *) "$fsam" report "results/$name" ;;
  esac
}
