package tools

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"sunup/lab/glob"
	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

func globMatch(pattern, name string) bool { return glob.Match(pattern, name) }

func nc(c *machine.Call) int {
	f, args, good := getopt(c, "46dklnNuvzw:q:p:s:i:X:x:")
	if !good || len(args) < 1 {
		return 1
	}
	if f.has("l") {
		port := args[len(args)-1]
		if p, ok := f.get("p"); ok {
			port = p
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return 1
		}
		c.M.Services().OpenPort(n, "nc")
		defer c.M.Services().ClosePort(n)
		<-c.Context().Done()
		return 0
	}
	if len(args) < 2 {
		return 1
	}
	lo, hi, _ := strings.Cut(args[1], "-")
	from, err := strconv.Atoi(lo)
	to := from
	if hi != "" {
		to, _ = strconv.Atoi(hi)
	}
	if err != nil || to-from > 65535 {
		return 1
	}
	code := 1
	for port := from; port <= to; port++ {
		err := c.M.Dial(args[0], port)
		switch {
		case err == nil:
			code = 0
			if f.has("v") {
				fmt.Fprintf(c.Err, "Connection to %s %d port [tcp/*] succeeded!\n", args[0], port)
			}
		case err == hostfs.ENOENT:
			fmt.Fprintf(c.Err, "nc: getaddrinfo for host \"%s\" port %d: Name or service not known\n", args[0], port)
			return 1
		case f.has("v"):
			fmt.Fprintf(c.Err, "nc: connect to %s port %d (tcp) failed: %v\n", args[0], port, err)
		}
	}
	return code
}

// target is where a URL leads.
func target(raw string) (host string, port int, p string, err error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", 0, "", err
	}
	port = 80
	if u.Scheme == "https" {
		port = 443
	}
	if u.Port() != "" {
		port, _ = strconv.Atoi(u.Port())
	}
	p = u.EscapedPath()
	if p == "" {
		p = "/"
	}
	if u.RawQuery != "" {
		p += "?" + u.RawQuery
	}
	return u.Hostname(), port, p, nil
}

const curlShort = "qsSfkLivIo:OX:d:H:m:w:u:A:e:x:gF:T:b:c:46#NK:D:"

var curlLong = []string{"silent=s", "show-error=S", "fail=f", "insecure=k", "location=L", "include=i", "head=I", "output:=o", "remote-name=O", "request:=X", "data:=d",
	"header:=H", "max-time:=m", "connect-timeout:=M", "write-out:=w", "user:=u", "retry:=R", "retry-delay:=R2", "retry-connrefused=R3", "verbose=v", "user-agent:=A", "compressed=z", "fail-with-body=f2", "noproxy:=n", "data-raw:=d",
	"url:=U", "config:=K", "disable=q", "dump-header:=D", "data-binary:=d", "speed-time:=M2", "speed-limit:=M3", "unix-socket:=M4", "cert:=E2", "key:=E3", "no-progress-meter=s", "globoff=g", "max-redirs:=R4", "cacert:=C", "resolve:=r", "create-dirs=y"}

func curl(c *machine.Call) int {
	f, args, good := getopt(c, curlShort, curlLong...)
	if !good {
		return 2
	}
	if name, ok := f.get("K"); ok {
		data, err := c.ReadFile(name)
		if err != nil {
			fmt.Fprintf(c.Err, "curl: option -K: error encountered when reading a file\n")
			return 26
		}
		rest := &machine.Call{Proc: c.Proc, In: c.In, Out: c.Out, Err: c.Err, Args: append([]string{"curl"}, configArgs(string(data))...)}
		more, moreArgs, valid := getopt(rest, curlShort, curlLong...)
		if !valid {
			return 2
		}
		for k, v := range more.value {
			f.value[k] = v
		}
		for k, n := range more.count {
			f.count[k] += n
		}
		args = append(args, moreArgs...)
	}
	if u, ok := f.get("U"); ok {
		args = append(args, u)
	}
	if len(args) == 0 {
		fmt.Fprintf(c.Err, "curl: no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more information\n")
		return 2
	}
	loud := !f.has("s") || f.has("S")
	code := 0
	for _, raw := range args {
		if k := curlOne(c, f, raw, loud); k != 0 {
			code = k
		}
	}
	return code
}

// configArgs turns a configuration file of curl into options.
func configArgs(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		name, value, has := strings.Cut(strings.TrimSpace(line), " = ")
		if name == "" || name[0] == '#' {
			continue
		}
		if !has {
			out = append(out, "--"+name)
			continue
		}
		if v, ok := strings.CutPrefix(value, `"`); ok {
			value = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(strings.TrimSuffix(v, `"`))
		}
		out = append(out, "--"+name+"="+value)
	}
	return out
}

func curlOne(c *machine.Call, f *flags, raw string, loud bool) int {
	say := func(code int, format string, args ...any) int {
		if loud {
			c.Out.Flush()
			fmt.Fprintf(c.Err, "curl: (%d) %s\n", code, fmt.Sprintf(format, args...))
		}
		return code
	}
	if file, ok := strings.CutPrefix(raw, "file://"); ok {
		data, err := c.ReadFile(file)
		if err != nil {
			return say(37, "Couldn't open file %s", file)
		}
		return curlSave(c, f, file, data)
	}
	host, port, p, err := target(raw)
	if err != nil || host == "" {
		return say(3, "URL using bad/illegal format or missing URL")
	}
	resp, err := c.M.Get(host, port, p)
	if err != nil {
		if w, ok := f.get("w"); ok {
			defer func() { c.Out.WriteString(curlWrite(w, 0, 0, raw)) }()
		}
		switch err {
		case hostfs.ENOENT:
			return say(6, "Could not resolve host: %s", host)
		case hostfs.EHOSTUNREACH:
			return say(7, "Failed to connect to %s port %d after 3050 ms: Couldn't connect to server", host, port)
		}
		return say(7, "Failed to connect to %s port %d after 0 ms: Couldn't connect to server", host, port)
	}
	if f.has("f") && resp.Status >= 400 {
		return say(22, "The requested URL returned error: %d", resp.Status)
	}
	if name, ok := f.get("D"); ok {
		head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", resp.Status, statusText(resp.Status), resp.Type, len(resp.Body))
		c.FS().WriteFile(c.Cred, c.Abs(name), []byte(head), 0o666&^c.Umask)
	}
	if f.has("i", "I") {
		c.Printf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", resp.Status, statusText(resp.Status), resp.Type, len(resp.Body))
	}
	body := resp.Body
	if f.has("I") {
		body = ""
	}
	code := curlSave(c, f, p, []byte(body))
	if w, ok := f.get("w"); ok {
		c.Out.WriteString(curlWrite(w, resp.Status, len(body), raw))
	}
	if f.has("f2") && resp.Status >= 400 {
		return say(22, "The requested URL returned error: %d", resp.Status)
	}
	return code
}

func curlSave(c *machine.Call, f *flags, from string, data []byte) int {
	name, toFile := f.get("o")
	if f.has("O") {
		name, toFile = path.Base(from), true
	}
	if !toFile || name == "-" {
		c.Out.Write(data)
		return 0
	}
	d, err := c.Open(name, hostfs.Write|hostfs.Create|hostfs.Truncate, 0o666)
	if err == nil {
		_, err = d.Write(c.Context(), data)
		d.Drop()
	}
	if err != nil {
		fmt.Fprintf(c.Err, "curl: (23) Failure writing output to destination\n")
		return 23
	}
	return 0
}

func curlWrite(format string, status, size int, raw string) string {
	format, _ = escapes(format, false)
	code := fmt.Sprintf("%03d", status)
	return strings.NewReplacer("%{http_code}", code, "%{response_code}", code, "%{size_download}", strconv.Itoa(size), "%{url_effective}", raw, "%{url}", raw,
		"%{time_total}", "0.001000", "%{content_type}", "text/plain", "%%", "%").Replace(format)
}

func statusText(code int) string {
	return map[int]string{200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error",
		502: "Bad Gateway", 503: "Service Unavailable"}[code]
}

func wget(c *machine.Call) int {
	f, args, good := getopt(c, "qO:SP:T:t:cnvd", "quiet=q", "output-document:=O", "spider=s", "timeout:=T", "tries:=t", "server-response=S", "no-check-certificate=k", "no-verbose=v", "header:=H", "post-data:=D", "directory-prefix:=P")
	if !good || len(args) == 0 {
		return 2
	}
	for _, raw := range args {
		host, port, p, err := target(raw)
		var resp machine.Response
		if err == nil {
			resp, err = c.M.Get(host, port, p)
		}
		if err != nil {
			if !f.has("q") {
				fmt.Fprintf(c.Err, "wget: unable to resolve or connect to host address ‘%s’\n", host)
			}
			return 4
		}
		if f.has("S") {
			fmt.Fprintf(c.Err, "  HTTP/1.1 %d %s\n", resp.Status, statusText(resp.Status))
		}
		if resp.Status >= 400 {
			if !f.has("q") {
				fmt.Fprintf(c.Err, "%s ERROR %d: %s.\n", c.M.Now().Format("2006-01-02 15:04:05"), resp.Status, statusText(resp.Status))
			}
			return 8
		}
		if f.has("s") {
			continue
		}
		name, ok := f.get("O")
		if !ok {
			if name = path.Base(p); name == "/" {
				name = "index.html"
			}
			if dir, ok := f.get("P"); ok {
				name = path.Join(dir, name)
			}
		}
		if name == "-" {
			c.Out.WriteString(resp.Body)
			continue
		}
		if err := c.FS().WriteFile(c.Cred, c.Abs(name), []byte(resp.Body), 0o666&^c.Umask); err != nil {
			fmt.Fprintf(c.Err, "%s: %v\n", name, err)
			return 3
		}
	}
	return 0
}

func ping(c *machine.Call) int {
	f, args, good := getopt(c, "46c:i:W:w:qnI:s:t:")
	if !good || len(args) == 0 {
		return 2
	}
	m := c.M.Resolve(args[0])
	if m == nil {
		c.Errorf("%s: Name or service not known", args[0])
		return 2
	}
	n, _ := f.num("c", 4)
	c.Printf("PING %s (%s) 56(84) bytes of data.\n", args[0], m.Address)
	got := 0
	for i := range min(max(n, 1), 100) {
		if i > 0 && c.Sleep(time.Second) != nil {
			break
		}
		if m.Up() {
			got++
			if !f.has("q") {
				c.Printf("64 bytes from %s (%s): icmp_seq=%d ttl=64 time=0.210 ms\n", args[0], m.Address, i+1)
			}
		}
	}
	c.Printf("\n--- %s ping statistics ---\n%d packets transmitted, %d received, %d%% packet loss, time %dms\n", args[0], n, got, 100*(n-got)/max(n, 1), (n-1)*1000)
	if got == 0 {
		return 1
	}
	return 0
}

// ss is ss and netstat: the listening ports.
func ss(c *machine.Call) int {
	f, args, good := getopt(c, "aelntpuxs46oHr", "listening=l", "numeric=n", "tcp=t", "udp=u", "processes=p", "program=p", "no-header=H", "all=a")
	if !good {
		return 1
	}
	port := ""
	for i, a := range args {
		if a == "sport" && i+2 < len(args) {
			port = strings.TrimPrefix(args[i+2], ":")
		}
	}
	if c.Name() == "netstat" {
		c.Printf("Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n")
		for _, l := range c.M.Listeners() {
			c.Printf("tcp        0      0 %-23s 0.0.0.0:*               LISTEN      %d/%s\n", fmt.Sprintf("0.0.0.0:%d", l.Port), l.PID, l.Name)
		}
		return 0
	}
	if !f.has("H") {
		c.Printf("State  Recv-Q Send-Q Local Address:Port Peer Address:Port%s\n", map[bool]string{true: "Process"}[f.has("p")])
	}
	for _, l := range c.M.Listeners() {
		if port != "" && port != strconv.Itoa(l.Port) || f.has("u") && !f.has("t") {
			continue
		}
		owner := ""
		if f.has("p") {
			owner = fmt.Sprintf("users:((\"%s\",pid=%d,fd=3))", l.Name, l.PID)
		}
		c.Printf("LISTEN 0      128    %-18s 0.0.0.0:*         %s\n", fmt.Sprintf("0.0.0.0:%d", l.Port), owner)
	}
	return 0
}

func hostTool(c *machine.Call) int {
	args := c.Args[1:]
	for len(args) > 0 && (strings.HasPrefix(args[0], "-") || strings.HasPrefix(args[0], "+")) {
		args = args[1:]
	}
	if len(args) == 0 {
		return 1
	}
	m := c.M.Resolve(args[0])
	if m == nil {
		c.Printf("Host %s not found: 3(NXDOMAIN)\n", args[0])
		return 1
	}
	c.Printf("%s has address %s\n", args[0], m.Address)
	return 0
}

// ip is ip and ifconfig: one interface beside the loopback.
func ip(c *machine.Call) int {
	line := " " + strings.Join(c.Args[1:], " ") + " "
	gateway := c.M.Address[:strings.LastIndexByte(c.M.Address, '.')] + ".1"
	six := strings.Contains(line, " -6 ")
	switch {
	case strings.Contains(line, " get "):
		if six {
			fmt.Fprintf(c.Err, "RTNETLINK answers: Network is unreachable\n")
			return 2
		}
		_, rest, _ := strings.Cut(line, " get ")
		to := strings.Fields(rest + " 8.8.8.8")[0]
		c.Printf("%s via %s dev eth0 src %s uid %d \n    cache \n", to, gateway, c.M.Address, c.Cred.UID)
	case strings.Contains(line, " r ") || strings.Contains(line, " route "):
		if !six {
			c.Printf("default via %s dev eth0 proto static\n", gateway)
		}
	case strings.Contains(line, " -o "):
		if !six {
			c.Printf("1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n")
			c.Printf("2: eth0    inet %s/8 brd 10.255.255.255 scope global eth0\\       valid_lft forever preferred_lft forever\n", c.M.Address)
		}
	default:
		c.Printf("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n")
		c.Printf("2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n    link/ether 52:54:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    inet %s/8 brd 10.255.255.255 scope global eth0\n       valid_lft forever preferred_lft forever\n", c.M.Address)
	}
	return 0
}

func pgIsReady(c *machine.Call) int {
	f, _, good := getopt(c, "h:p:U:d:t:q", "host:=h", "port:=p", "username:=U", "dbname:=d", "timeout:=t", "quiet=q")
	if !good {
		return 3
	}
	host, ok := f.get("h")
	where := host
	if !ok || strings.HasPrefix(host, "/") {
		host, where = "localhost", "/var/run/postgresql"
	}
	port, _ := f.num("p", 5432)
	code, word := 0, "accepting connections"
	if err := c.M.Dial(host, port); err != nil {
		code, word = 2, "no response"
		if s := c.M.Services().Get("postgresql"); s != nil && host == "localhost" && s.Status().State == machine.Active {
			code, word = 1, "rejecting connections"
		}
	}
	if !f.has("q") {
		c.Printf("%s:%d - %s\n", where, port, word)
	}
	return code
}

func sshTool(c *machine.Call) int {
	if len(c.Args) > 1 && c.Args[1] == "-V" {
		fmt.Fprintf(c.Err, "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15 3 Sep 2024\n")
		return 0
	}
	c.Errorf("connections between simulated hosts are not supported")
	return 255
}
