command -v cd; command -v ls >/dev/null && echo found; command -v nosuch || echo none $?
type cd >/dev/null && echo typed
set -- -a -b val -c rest; while getopts ab:c o; do echo "$o ${OPTARG-}"; done; shift $((OPTIND-1)); echo $@
umask 027; umask; touch f; mkdir d; stat -c '%a' f d
printf '%s %d %5.2f|%-5s|%05d|%x|%o|%c\n' s 42 3.14159 ab 42 255 8 xyz
printf '%b\n' 'a\tb\0101'; printf '%s\n' a b c; printf '[%s]' ; echo
printf '\101\n\x41\\' ; echo; printf '%%\n'; printf "%s\n" "multi
line"
echo -n no; echo; echo 'a\tb\nc'; echo "x\c"; echo
test a = a && [ 1 -lt 2 ] && [ ! -e zz ] && [ -d d -a -f f ] && echo ok
[ "" ] || echo empty; [ x ] && echo nonempty; [ -z "" ] && echo z
[ a = b -o 1 = 1 ] && echo or; [ \( a = a \) ] && echo paren
export V=exp; sh -c 'echo $V'; unset V; sh -c 'echo ${V-unset}'
W=tmp sh -c 'echo $W'; echo ${W-none}
readonly R=1; (R=2) 2>/dev/null || echo readonly
cd d && pwd | sed 's/.*\///'; cd - >/dev/null; 
true; : ; false; echo $?
expr 3 + 4 \* 2; expr abc : 'a\(.*\)'; expr length hello; expr 1 = 2; echo $?
seq 3; seq 2 2 6; seq -s, 1 3; seq 3 -1 1
echo a b c | { read x y; echo "$x|$y"; }
printf 'a\\nb\n' | { read x; echo "$x"; }; printf 'a\\nb\n' | { read -r x; echo "$x"; }
IFS=, read a b c <<X
1,2,3,4
X
echo "$a $b $c"
. /dev/null; echo sourced
unset nope; echo ${nope?message} 2>/dev/null; echo unreached
