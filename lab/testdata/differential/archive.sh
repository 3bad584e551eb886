mkdir d; echo one > d/1; echo two > d/2; tar -czf a.tgz d; tar -tzf a.tgz | sort; mkdir x; tar -xzf a.tgz -C x; cat x/d/1 x/d/2
tar cf a.tar -C d 1 2; tar tf a.tar; mkdir y; tar xf a.tar -C y --strip-components=0; ls y; gzip -c d/1 | gzip -dc; gzip d/1; ls d; gunzip d/1.gz; cat d/1
