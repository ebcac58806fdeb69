#!/usr/bin/env bash
# Run a suite on the nodes of one Slurm job: a Ray head on the first node, a Ray worker on each of
# the others. Every argument is one of `evenhand run`:
#
#   sbatch --nodes=4 --gpus-per-node=8 docker/slurm.sh suite.yaml --results /shared/results
#
# A job that is pre-empted, or that reaches its time limit, saves the states of its trials, is put
# back into the queue, and resumes when it starts again. A job that is cancelled stays cancelled.
#SBATCH --job-name=evenhand
#SBATCH --nodes=2
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --output=evenhand-%j.log
#SBATCH --open-mode=append
set -euo pipefail

if [ "$#" -eq 0 ]; then
  echo "slurm.sh: no suite; write: sbatch docker/slurm.sh SUITE --results FOLDER" >&2
  exit 2
fi

# Several jobs may share a node, so that the ports follow from the number of the job.
HEAD=$(hostname)
PORT=$((20000 + 2 * (SLURM_JOB_ID % 5000)))
MESSAGES="evenhand-$SLURM_JOB_ID-ray.log"
# Ray runs any program that is sent to its ports, as you. It refuses those that come without this token.
RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$(python3 -c 'import secrets; print(secrets.token_hex(32))')
export HEAD PORT MESSAGES RAY_AUTH_MODE RAY_AUTH_TOKEN

wait_for_head() {
  for _ in $(seq 120); do
    if (: <"/dev/tcp/$HEAD/$PORT") 2>/dev/null; then
      return
    fi
    sleep 1
  done
  echo "slurm.sh: no Ray answers at $HEAD:$PORT after 120 s; its messages are in $MESSAGES" >&2
  return 3
}

# shellcheck disable=SC2329  # srun calls it on each node
start_node() {
  local shared=(--block --disable-usage-stats --num-cpus="$SLURM_CPUS_ON_NODE")
  shared+=(--num-gpus="${SLURM_GPUS_ON_NODE:-0}")
  if [ "$SLURM_PROCID" -eq 0 ]; then
    exec ray start --head --port="$PORT" --ray-client-server-port=$((PORT + 1)) \
      --include-dashboard=false "${shared[@]}"
  fi
  wait_for_head
  exec ray start --address="$HEAD:$PORT" "${shared[@]}"
}
export -f wait_for_head start_node

# Slurm sends USR1 to this shell alone. A signal before the run has begun is kept for it.
run='' signalled=''
trap 'signalled=yes; [ -z "$run" ] || kill -USR1 "$run" 2>/dev/null || true' USR1 TERM

srun --overlap --ntasks="$SLURM_JOB_NUM_NODES" --ntasks-per-node=1 --kill-on-bad-exit=0 \
  --output="$MESSAGES" --open-mode=append bash -c start_node 2>>"$MESSAGES" &
nodes=$!
wait_for_head
# A short suite would be over on the first nodes before the last one has joined.
python3 - <<'PYTHON' || echo "slurm.sh: not all nodes have joined, see $MESSAGES; the run begins" >&2
import os, sys, time
import ray

address, expected = "{HEAD}:{PORT}".format(**os.environ), int(os.environ["SLURM_JOB_NUM_NODES"])
ray.init(address, log_to_driver=False, logging_level="ERROR")
for _ in range(120):
    if sum(node["Alive"] for node in ray.nodes()) >= expected:
        sys.exit()
    time.sleep(1)
sys.exit(1)
PYTHON

code=130
if [ -z "$signalled" ]; then
  evenhand run "$@" --address "$HEAD:$PORT" &
  run=$!
  # A signal may have come before the number of the run was known.
  [ -z "$signalled" ] || kill -USR1 "$run" 2>/dev/null || true
  # `wait` also ends with each signal that this shell gets.
  while :; do
    code=0
    wait "$run" || code=$?
    kill -0 "$run" 2>/dev/null || break
  done
  # Stopped before `evenhand` could take the signal.
  if [ -n "$signalled" ] && { [ "$code" -eq 138 ] || [ "$code" -eq 143 ]; }; then
    code=130
  fi
fi
# 130: the run was stopped. 3: Ray was lost, because Slurm ends the nodes of a job that it pre-empts.
# A job that was cancelled, or whose time is over, does not count as running and is not put back.
is_preempted() { scontrol show job "$SLURM_JOB_ID" | grep -q 'PreemptTime=[0-9]'; }
is_running() { [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ]; }
if [ "$code" -eq 130 ] || { [ "$code" -eq 3 ] && is_preempted; }; then
  if is_running; then
    echo "slurm.sh: job $SLURM_JOB_ID goes back into the queue, and resumes when it starts"
    scontrol requeue "$SLURM_JOB_ID"
  fi
fi
kill "$nodes" 2>/dev/null || true
exit "$code"
