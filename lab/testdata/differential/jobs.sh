sleep 0.05 & p=$!; wait $p; echo "rc $?"
(exit 3) & wait $!; echo $?
sleep 5 & p=$!; kill $p; wait $p; echo $?
sleep 5 & p=$!; kill -9 $p; wait $p 2>/dev/null; echo $?
trap 'echo bye' EXIT
trap 'echo term' TERM; kill -TERM $$; echo after
(trap 'echo sub exit' EXIT; exit 4); echo $?
kill -0 $$ && echo alive
kill -0 999999 2>/dev/null || echo dead
sh -c 'kill -9 $$' 2>/dev/null; echo $?
sh -c 'trap "" TERM; kill $$; echo ignored'
set -- a b c; eval 'echo $2'; eval "x=\$3"; echo $x
wait; echo $?
f=$(mktemp); (echo one; sleep 0.02; echo two) > $f & wait; cat $f; rm $f
yes | head -2
