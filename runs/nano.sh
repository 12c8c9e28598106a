#!/usr/bin/env bash
# Train the shipped nano checkpoint from nothing, calibrate it and score it.
#
#   runs/nano.sh [WORK]          about two hours on two CPU cores; stop it and run it again to go on
#
# CAPTIONS=FILE adds Chinese captions (JSON Lines with a "text" field) to the tokenizer's corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-work/nano}
python=${PYTHON:-.venv/bin/python}
mkdir -p "$work"
options=()
[ -n "${CAPTIONS:-}" ] && options+=(--captions "$CAPTIONS")
OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)} \
  "$python" -m echovlm.train.nano "$work" "$work/checkpoint" "${options[@]}" 2>&1 | tee -a "$work/log.txt"
"$python" runs/score_nano.py "$work/checkpoint" "$work/scores.json"
echo "To ship it: cp $work/checkpoint/* src/echovlm/nano/ and bring the model card's table up to date."
