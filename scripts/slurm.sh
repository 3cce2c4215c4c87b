#!/usr/bin/env bash
# A run on the nodes of a Slurm job:  sbatch scripts/slurm.sh RECIPE [options of evolve]
#
# evocircuits is installed in the environment that is active when the job is submitted, in a folder that all nodes see.
# Ended by its time limit, the run is saved; submitted again, it goes on. Islands ≥ 3 × nodes × CPUs keep all busy.
#SBATCH --job-name=evocircuits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=1G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$head:$((20000 + SLURM_JOB_ID % 20000))
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN

start=(ray start --block --num-cpus="$SLURM_CPUS_PER_TASK")
srun --nodes=1 --ntasks=1 --nodelist="$head" --overlap \
    "${start[@]}" --head --port="${address#*:}" --include-dashboard=false &
until (exec 3<>"/dev/tcp/$head/${address#*:}") 2>/dev/null; do sleep 1; done
if ((SLURM_JOB_NUM_NODES > 1)); then
    others=$((SLURM_JOB_NUM_NODES - 1))
    srun --nodes=$others --ntasks=$others --exclude="$head" --overlap "${start[@]}" --address="$address" &
fi

evocircuits evolve "$@" --executor "$address" &
trap 'kill -TERM $!' TERM
wait $! || wait $! # interrupted by the trap, then for the end
