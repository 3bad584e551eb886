x="a b  c"; e=; unset u
set -- "one two" three ''
printf '<%s>' $x; echo
printf '<%s>' "$x" "$@"; echo
printf '<%s>' $@; echo
printf '<%s>' "$*" $*; echo
printf '<%s>' "a$@b"; echo
printf '<%s>' ${u:-d e f} "${u:-d e f}" ${e:-x} "${e-x}"; echo
printf '<%s>' "${u:-"in quotes $x"}" ${x:+yes} "${u+no}"; echo
: ${new:=value}; echo $new
p=/usr/local/lib/file.tar.gz
echo ${p##*/} ${p%/*} ${p#*/} ${p%%.*} ${p%.*} ${#p}
q='*'; echo "${p#"$q"}" "${p#$q}" "${p##$q}"
echo $((1+2*3)) $((0x1f)) $((010)) $((7/2)) $((-7%3)) $((1<<4|3)) $((5>3?10:20))
i=5; echo $((i+=4)) $((i==9&&1)) $((!i)) $((~i))
IFS=:; v=a:b::c; printf '<%s>' $v; echo; printf '<%s>' "$*"; echo
IFS=' :'; v='a : b:c '; printf '<%s>' $v; echo
unset IFS
echo "$(echo "nested $(echo deep)")" `echo back`
echo ~/x "~/x" a~
echo "\$x \"q\" \\ \a" '\$x'
a=1 b=$a; echo $a$b
echo "${p:-}" "${#}" "$#" "$?"
echo ${u-"a  b"} ${u-a  b}
y='a\b'; echo "$y" $y
cat <<E1; cat <<'E2'
x=$x $(echo cmd) \$x `echo bt` "q" \\ \n
E1
x=$x $(echo cmd) \$x
E2
cat <<-E3
	tab	in
	E3
