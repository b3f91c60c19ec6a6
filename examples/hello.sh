#!/bin/bash
# The smallest task: say where it runs.
echo "task $GAVELQ_TASK_ID runs on GPU $GAVELQ_GPUS, in $PWD"
sleep "${1:-2}"
echo "done"
