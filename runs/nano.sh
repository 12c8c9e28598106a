#!/usr/bin/env bash
# Train the shipped nano checkpoint from nothing: data, tokenizer, vision tower, network, calibration, scores.
#
#   runs/nano.sh [WORK]          stop it and run it again to go on
#
# REAL=FOLDER      adds the public sets that lie there (breast/BUS-BRA, liver/AUL, ... see docs/training.md)
# CAPTIONS=FILE    adds Chinese captions (JSON Lines with a "text" field) to the tokenizer's corpus
# SETTING=reduced  a shorter run; SETTING=smoke shows in a minute or two that every stage works
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-work/nano}
echovlm=${ECHOVLM:-.venv/bin/echovlm}
options=(--setting "${SETTING:-nano}" --workers "$(nproc)")
[ -n "${REAL:-}" ] && options+=(--real "$REAL")
[ -n "${CAPTIONS:-}" ] && options+=(--captions "$CAPTIONS")
mkdir -p "$work"
"$echovlm" reproduce nano "$work" "${options[@]}" 2>&1 | tee -a "$work/log.txt"
echo "To ship it: cp $work/network/final/* src/echovlm/nano/ and bring the model card's table up to date from $work/scores.md."
