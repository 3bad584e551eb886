set -e
f() { false; echo "in f"; }
if f; then echo cond; fi
f || echo or
x=$(false) || echo sub
f
echo unreachable
