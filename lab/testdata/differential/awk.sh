# needs: mawk
printf 'root:x:0:0:root:/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/sh\n' > p
awk -F: '{print $1, $3}' p; awk -F: '$3>0{print $1}' p; awk -F: 'NR==1{print $NF}' p; awk 'END{print NR}' p
awk -F: -v u=ops '$1==u{print $6; exit}' p; awk 'BEGIN{printf "%d %s %5.2f|%-4s|\n", 3.9, "x", 2.5, "ab"}'
echo "a b c" | awk '{$2="X"; print; print NF; print $0}'; echo "1 2 3" | awk '{s=0; for(i=1;i<=NF;i++) s+=$i; print s}'
printf 'a 1\nb 2\na 3\n' | awk '{c[$1]+=$2} END{for(k in c) print k, c[k]}' | sort
echo hello | awk '{print toupper($0), length($0), substr($0,2,3), index($0,"l")}'
echo "foo bar foo" | awk '{gsub(/foo/,"X&"); print; n=split("a:b:c",arr,":"); print n, arr[2]}'
awk 'BEGIN{while((getline l < "p")>0) n++; print n}'; awk 'BEGIN{"echo cmd"|getline x; print x}'
printf 'x\ny\nz\n' | awk '/x/,/y/'; printf '1\n2\n3\n' | awk 'NR%2'; awk 'BEGIN{print 1==1.0, "a"<"b", 10<9, "10"<"9"}'
awk 'function f(n){return n<=1?1:n*f(n-1)} BEGIN{print f(10)}'; awk 'BEGIN{x["a"]=1; if("a" in x) print "in"; delete x["a"]; print length(x)}'
awk 'BEGIN{print substr("hello",2,3), match("foobar",/o+/), RSTART, RLENGTH}'; awk 'BEGIN{print 2^10, 7%3, -2^2, 1e3, 0.1+0.2, 1000000, 1/3}'
echo "  lead  trail  " | awk '{print NF, $1}'; echo "a,b;c" | awk -F'[,;]' '{print $2,$3}'; awk 'BEGIN{OFS="-"; $3="c"; print NF, $0}'
awk 'BEGIN{print length()}' </dev/null; awk 'BEGIN { if (!("x" in a)) print "no"; do { i++ } while (i<3); print i }'
echo x | awk '{print > "out"; close("out"); while((getline y < "out")>0) print "r", y}'; awk 'BEGIN{print "b\na" | "sort"}'
awk 'BEGIN{exit 3}'; echo $?; printf 'a b\n' | awk '{print $1 $2; print $1, $2; print ($1)($2)}'; awk 'BEGIN{print -1 " " -1; print 1 - 1; x = "A"; print x++ , x}'
df -P / | awk 'NR==2{print NF}'; awk 'NR==1{next} {print FNR, FILENAME}' p; awk 'BEGIN { printf "%s %s %s\n", "a", "b", "c" > "/dev/stdout" }'; awk -f /dev/stdin p <<'X'
{ n += $3 } # comment
END { print n }
X
echo "k=v" | awk -F= '{print $2}'; awk 'BEGIN{RS="";FS="\n"}{print NR": "$1}' <<X
p1
l2

p2
X
