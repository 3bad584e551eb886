env A=1 sh -c 'echo $A'; env -i sh -c 'echo ${HOME-nohome}'; env -u HOME sh -c 'echo ${HOME-nohome}'
timeout 5 true; echo $?; timeout 0.05 sleep 5; echo $?; timeout 1 sh -c 'exit 7'; echo $?; timeout -s KILL 0.05 sleep 5; echo $?
nohup echo hi 2>/dev/null; sh -c 'exit 9'; echo $?; nosuchcommand 2>/dev/null; echo $?; echo '#!/bin/sh
echo script $1' > s; ./s 2>/dev/null; echo $?; chmod +x s; ./s arg; sh s two; printf 'echo noshebang' > t; chmod +x t; ./t
sh -c 'echo $0 $1' name arg; sh -s a b <<'X'
echo "stdin $1 $2"
X
echo 'echo piped' | sh; sh -e -c 'false; echo no'; echo $?; sh -u -c 'echo $undef' 2>/dev/null; echo $?; sh -c 'a b' 2>/dev/null; echo $?
sh -c 'if' 2>/dev/null; echo $?; which sh >/dev/null; echo $?; which nosuch; echo $?; nice -n 5 echo nice; setsid -w echo sess; xargs -a /dev/null echo none
exec sh -c 'echo last'
