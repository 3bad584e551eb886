#!/bin/sh
# The morning of a racing authority on an embedded fleet. One kiosk is sick by
# intent, so the run itself ends with Ansible's code 2 ("a host failed"); the
# demo is good when exactly that happened.
set -u
cd "$(dirname "$0")/.."
sample=playbooks/samples/morning-startup
bin/sunup lab demo --scenario $sample/fleet.yml --report bin/demo "$@" $sample/site.yml
code=$?
case $code in
0 | 2) exit 0 ;;
*) exit $code ;;
esac
