#!/bin/bash
#GAVELQ --gpu-count 1 --memory 4 --time 10m
# A script that carries its own request; headers for sbatch are understood as well.
#SBATCH --job-name=batch --gres=gpu:1
for step in prepare train evaluate; do
    echo "$step with arguments: $*"
    sleep 0.5
done
