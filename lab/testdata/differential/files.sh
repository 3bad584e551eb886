mkdir -p a/b/c && echo hello > a/f && cp -p a/f a/g && ls a
ln -s f a/l; readlink a/l; cat a/l; [ -h a/l ] && echo link; ln a/f a/h; stat -c %h a/f
mv a/g a/b/; ls -1 a/b; mv -f a/h a/f2; ls a
chmod 640 a/f; stat -c '%a %A %s %F' a/f a/b a/l; chmod u+x,g-r,o=r a/f; stat -c %a a/f; chmod -R go-rwx a/b; stat -c %a a/b a/b/c
touch -d '2020-02-03 04:05:06' t; stat -c %Y t; date -r t +%F; touch -t 202001020304.05 t; stat -c %Y t; touch -d @100 t; stat -c %Y t
rm a/l; rmdir a/b/c; rm -r a/b; ls a; rm nothing 2>/dev/null || echo "rc $?"; rm -f nothing; echo $?
rm a 2>/dev/null || echo isdir; mkdir a 2>/dev/null || echo exists
cp -r a z; ls z; cp a q 2>/dev/null || echo omit
basename /x/y.txt .txt; dirname /x/y.txt; basename /; dirname foo; dirname /a/b/; basename a/b/
install -m 750 -d i/j; stat -c %a i/j; install -m 600 a/f i/k; stat -c %a i/k
d=$(mktemp -d ./tXXXXXX); [ -d "$d" ] && echo made; stat -c %a "$d"; rmdir "$d"
realpath -m x/../y | sed 's/.*\///'; ln -s nowhere dangling; readlink -f dangling | sed 's/.*\///'; readlink -e dangling || echo "rc $?"
find . -name 'f*' | sort; find a -type f -exec echo {} \; | sort; find . -maxdepth 1 -type d | sort | head -3
find a -type f -print0 | tr '\0' '\n' | sort; find . -name k -size -10c; find . -newer t -name z; find . -empty -name 'nope'; find z -delete; ls z 2>/dev/null || echo gone
echo 12345 > n; truncate -s 3 n; cat n; echo; wc -c < n; dd if=n of=n2 bs=1 count=2 2>/dev/null; cat n2; echo
ls -A; ls -d a; ls nosuch 2>/dev/null; echo $?
cp a/f a/f 2>/dev/null || echo same
ln -sfn a link1; ln -sfn z link1; readlink link1
mkdir 'sp ace'; touch 'sp ace/x y'; ls sp*; for f in sp*/*; do echo "[$f]"; done
test a/f -nt t && echo newer; test a/f -ef a/f2 && echo samefile
echo * | tr ' ' '\n' | head -5; echo nomatch*; echo .[a-z]* ; echo [ab]*
mkfifo p; (echo fifo > p) & cat p; wait
chmod 000 a/f; chmod =rw a/f; stat -c %a a/f; umask 077; touch u; stat -c %a u
