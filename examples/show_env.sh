#!/bin/bash
# What gavelq tells a task: which cards are its own, and which task it is.
env | grep -E '^(GAVELQ_|CUDA_|MASTER_|PYTHONUNBUFFERED)' | sort
