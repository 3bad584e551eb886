#!/bin/bash
a=(one "two three" four); echo ${#a[@]} "${a[1]}" "${a[@]:1}" ${!a[@]}; a+=(five); echo "${a[-1]}"
declare -A m=([k]=v [x]=y); echo ${m[k]} ${#m[@]}; for k in "${!m[@]}"; do echo $k; done | sort
[[ abc == a* && ! x == y ]] && echo match; [[ "foo123" =~ ^foo([0-9]+)$ ]] && echo ${BASH_REMATCH[1]}; [[ -z "" || 1 -gt 2 ]] && echo z
for ((i=0;i<3;i++)); do echo -n $i; done; echo; ((x=5, x>3)) && echo gt; let y=2*3; echo $y; echo {a,b}{1..3} {01..03}
s=hello; echo ${s^^} ${s:1:3} ${s/l/L} ${s//l/L} ${s^}; echo -e 'a\tb'; cat <<< "here $s"; read -r a b <<< "1 2"; echo $b
f() { local v=1; echo ${FUNCNAME:-x} >/dev/null; return 2; }; f; echo $?; echo $'tab\there'; diff <(echo a) <(echo a) && echo same
set -o pipefail; false | true; echo $?; printf -v z %03d 7 2>/dev/null; mapfile -t l < <(printf '1\n2\n'); echo ${#l[@]}; echo "${a[*]}"
case abc in a?c) echo q;;& abc) echo again;; esac; echo &>/dev/null out; type -t echo >/dev/null; source /dev/null; echo ${s@Q}
