echo out > f; echo more >> f; cat f; cat < f | wc -l
exec 3> g; echo three >&3; exec 3>&-; cat g
{ echo o; echo e >&2; } 2>&1 | sort
{ echo o; echo e >&2; } 2>/dev/null
ls nonexist 2>/dev/null || echo "rc $?"
exec 4< f; read a <&4; read b <&4; echo "$a,$b"; exec 4<&-
(echo x; echo y 1>&2) > o 2> e; cat o e
echo a | { read v; echo "got $v"; }
cat <<X >h
$(echo sub)
X
cat h
: > empty; [ -s empty ] || echo empty
set -C; echo no 2>/dev/null > f || echo clobber; set +C
echo both > b 2>&1; cat b
while read l; do echo "l:$l"; done < f
read first; echo "stdin: $first"; cat
echo err 3>&1 1>&2 2>&3 | cat
