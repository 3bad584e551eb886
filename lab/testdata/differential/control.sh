for i in 1 2 3; do for j in a b c; do [ $j = b ] && continue 2; [ $i = 3 ] && break 2; echo $i$j; done; done
n=0; while :; do n=$((n+1)); [ $n -gt 5 ] && break; case $n in 1|2) echo low;; [3-4]) echo mid;; *) echo high;; esac; done
until [ $n -le 3 ]; do n=$((n-1)); done; echo $n
f() { local a=$1; a=$a$a; echo $a; return 7; }
a=outer; f in; echo $? $a
g() { for x; do echo "[$x]"; done; shift 2; echo $# "$@"; }
g 1 2 "3 4"
if false; then echo no; elif true; then echo elif; else echo else; fi
! true; echo $?
true && false || echo or
{ echo grp; exit_code=3; } | cat
(exit 5); echo $?
(x=sub; echo $x); echo ${x:-unset}
set -e; if false; then :; fi; false || true; ! true; echo still
set +e; (set -e; false; echo never); echo after $?
