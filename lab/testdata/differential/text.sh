printf 'b 2\na 10\nc 1\na 10\n' > f
sort f; sort -u f; sort -k2 -n f; sort -r f; sort -k2,2nr -k1,1 f; uniq -c <<X
a
a
b
X
sort f | uniq -d; cut -d' ' -f2 f; cut -c1 f; cut -d: -f1,3 <<X
a:b:c:d
X
head -n 2 f; tail -n 1 f; tail -n +3 f; head -c 3 f; echo; tail -c 4 f; head -n -1 f
wc -l f; wc -w < f; wc f; tr a-z A-Z < f; tr -d '\n' < f; echo; tr -s ' ' <<X
a   b    c
X
echo hello | tr 'el' 'ip'; echo 'a1b2' | tr -cd '0-9'; echo; echo "a b" | tr ' ' '\n'
grep a f; grep -c a f; grep -n c f; grep -v a f; grep -q z f; echo $?; grep -i A f | head -1; grep -o '[0-9]*' f; grep -E '^(a|b) ' f; grep -F 'a 10' f | wc -l; grep -x 'c 1' f; grep -l a f; grep -w 1 f; grep -e a -e c f; grep '[[:digit:]]\{2\}' f; grep 'a\|c' f; grep -A1 b f; grep -B1 'c 1' f
sed 's/a/X/' f; sed -n '2p' f; sed '/b/d' f; sed -n '/a/,/c/p' f; sed 's/\([a-z]\) \([0-9]*\)/\2-\1/' f; sed -E 's/([a-z]) ([0-9]+)/\2:\1/g' f; sed '$d' f; sed '1,2s/^/> /' f; sed -e 's/a/A/' -e 's/1/one/g' f; sed 's|/usr|/opt|' <<X
/usr/bin
X
sed 2q f; sed -n '$=' f; sed '1i\
first' f; sed '2a second' f; sed '3c changed' f; sed 'y/abc/xyz/' f; sed -n 'l;$p' <<X
x
X
sed 's/./&&/2' f; sed '/a/!d' f; sed -i 's/b/B/' f; cat f; sed '/a/{s/1/9/;p}' f; sed 'N;s/\n/+/' f; sed -n 'H;${x;s/\n/,/g;p}' f; sed '/B/s//b/' f; sed 's/[^ ]*$//' f; sed ':a;s/0/o/;ta' f; sed '0~2d' f; sed 's/A/\U&/I' f
tee t1 < f | head -1; cat t1 | tac; rev <<X
abc
X
paste -sd, f; paste f f | head -1; nl f; cmp f t1 && echo same; echo x > t2; cmp -s f t2 || echo differ; comm -12 <<X - /dev/null
a
X
printf 'a b\nc d\n' | xargs echo; printf 'a\nb\n' | xargs -n1 echo x; printf 'a\0b' | xargs -0 -I{} echo '<{}>'; printf '' | xargs -r echo no; echo "1 'q w' 2" | xargs -n 1
echo abc | sha1sum; echo abc | sha256sum; echo abc | md5sum; echo abc | cksum; echo abc | sha512sum | cut -c1-20; sha1sum f; echo abc | base64; echo YWJjCg== | base64 -d; head -c 100 /dev/zero | base64 -w0; echo
printf '\001\002abc' | od -An -tx1; printf 'ab' | od -c; printf 'abcdefghijklmnopqrs' | od -An -t u1
fold -w 5 <<X
abcdefghijkl
X
date -u -d @0 +%Y-%m-%dT%H:%M:%SZ; date -u -d '2020-02-29 12:00 UTC' +%s; date -u -d @1600000000 '+%a %b %e %j %U %y %I %p %T %D %R'; date -u -d '2021-01-01' +%F; date -u -d @0
