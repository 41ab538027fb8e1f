#!/bin/sh
# run-confined.sh [-confined LIMITS PROGRAM] ARGUMENT...
#
# Becomes PROGRAM (ffmpeg by default) without this service's environment, where its secrets are, and under LIMITS: options
# of prlimit with commas between, or "none". A script, because fluent-ffmpeg takes the path of a program and nothing else.
limits=none
program=ffmpeg
if [ "$1" = -confined ]; then
	limits=$2
	program=$3
	shift 3
fi
if [ "$limits" = none ]; then
	exec env -i PATH="$PATH" LANG=C "$program" "$@"
fi
set -f
IFS=,
exec env -i PATH="$PATH" LANG=C prlimit $limits "$program" "$@"
