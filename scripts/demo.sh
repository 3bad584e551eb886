#!/bin/sh
# The morning of a racing authority on an embedded fleet. One kiosk is sick by
# intent, so the run itself ends with the code 10 ("opened, with hosts set aside"); the
# demo is good when exactly that happened.
set -u
cd "$(dirname "$0")/.."
sample=playbooks/samples/morning-startup
# It plays at 09:25 of its hosts, half an hour before its opening: at the real
# time most of the day would be too late for it.
# FLEET=authority is the whole authority: 225 hosts, half a minute.
bin/sunup lab demo --scenario "$sample/${FLEET:-fleet}.yml" --at 09:25 --report bin/demo "$@" $sample/site.yml
code=$?
case $code in
0 | 10) exit 0 ;;
*) exit $code ;;
esac
