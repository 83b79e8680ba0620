#!/usr/bin/env bash
# A Slurm of one node on this machine, for trying sweeps: all of its state is in one folder, and nothing else is touched.
#
#   scripts/slurm-node.sh start DIR     then: export SLURM_CONF=DIR/slurm.conf
#   scripts/slurm-node.sh stop DIR
#
# SLURM_NODE_MAX_ARRAY_SIZE is its MaxArraySize, 1001 by default.
# Needs munged, slurmctld and slurmd (Debian: apt-get install --no-install-recommends slurm-wlm munge). Exit code 3: missing.
set -euo pipefail

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

[[ $# -eq 2 ]] || usage
action=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
export SLURM_CONF=$dir/slurm.conf
export PATH=$PATH:/usr/sbin:/sbin
daemons=(slurmd slurmctld munged)

need() {
  for program in "${daemons[@]}" sbatch scontrol squeue sinfo; do
    command -v "$program" >/dev/null && continue
    echo "slurm-node: $program is not installed (Debian: apt-get install --no-install-recommends slurm-wlm munge)" >&2
    exit 3
  done
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

write_configuration() {
  local host cores memory
  host=$(hostname -s)
  cores=$(nproc)
  memory=$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 1024))
  cat >"$SLURM_CONF" <<END
ClusterName=fsam
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
JobRequeue=1
KillWait=20
MinJobAge=30
MaxArraySize=${SLURM_NODE_MAX_ARRAY_SIZE:-1001}
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=fsam Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

# The daemon's process id, where it runs.
running() {
  local pid
  pid=$(cat "$dir/$1.pid" 2>/dev/null) && [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]] && echo "$pid"
}

stop() {
  local daemon pid
  for daemon in "${daemons[@]}"; do
    pid=$(running "$daemon") || continue
    kill "$pid"
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$dir/$daemon.pid"
  done
}

start() {
  need
  stop
  mkdir -p "$dir/state" "$dir/spool"
  chmod 700 "$dir"
  rm -f "$dir/munge.socket"*
  head -c 1024 /dev/urandom >"$dir/munge.key"
  chmod 600 "$dir/munge.key"
  munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" 2>>"$dir/munged.log"
  write_configuration
  slurmctld -i
  slurmd
  for _ in $(seq 150); do
    [[ $(sinfo --noheader --format=%t 2>/dev/null) == idle ]] && break
    sleep 0.2
  done
  if [[ $(sinfo --noheader --format=%t) != idle ]]; then
    echo "slurm-node: the node does not become idle; see $dir/slurmctld.log and $dir/slurmd.log" >&2
    stop
    exit 1
  fi
  echo "export SLURM_CONF=$SLURM_CONF"
}

case $action in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
