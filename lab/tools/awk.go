package tools

import (
	"io"
	"regexp"
	"strings"

	"sunup/lab/awk"
	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

func awkTool(c *machine.Call) int {
	f, args, good := getopt(c, "+F:v:f:W:", "field-separator:=F", "assign:=v", "file:=f", "version=V")
	if !good {
		return 2
	}
	env := awk.Env{Ctx: c.Context(), Stdin: c.In, Stdout: c.Out, Environ: c.Env, Now: c.M.Now}
	var src []string
	for _, o := range f.order {
		if v, ok := strings.CutPrefix(o, "v="); ok {
			name, value, _ := strings.Cut(v, "=")
			value, _ = escapes(value, false)
			env.Vars = append(env.Vars, [2]string{name, value})
		}
		if fs, ok := strings.CutPrefix(o, "F="); ok {
			if fs == "t" {
				fs = "\t"
			}
			fs, _ = escapes(fs, false)
			env.Vars = append(env.Vars, [2]string{"FS", fs})
		}
		if name, ok := strings.CutPrefix(o, "f="); ok {
			data, err := c.ReadFile(name)
			if err != nil {
				c.Errorf("cannot open %s (%v)", name, err)
				return 2
			}
			src = append(src, string(data))
		}
	}
	if !f.has("f") {
		if len(args) == 0 {
			io.WriteString(c.Err, "Usage: awk [Options] [Program] [file ...]\n")
			return 2
		}
		src, args = []string{args[0]}, args[1:]
	}
	prog, err := awk.Parse(strings.Join(src, "\n"))
	if err != nil {
		c.Errorf("%v", err)
		return 2
	}
	env.Args = args
	env.Regexp = func(expr string) (*regexp.Regexp, error) {
		text, _ := translate(expr, true)
		re, err := regexp.Compile("(?s)" + text)
		if err == nil {
			re.Longest()
		}
		return re, err
	}
	env.Open = func(name string) (io.ReadCloser, error) {
		d, err := c.Open(name, hostfs.Read, 0)
		if err != nil {
			return nil, err
		}
		return descFile{c, d}, nil
	}
	env.Create = func(name string, appending bool) (io.WriteCloser, error) {
		flag := hostfs.Write | hostfs.Create | hostfs.Truncate
		if appending {
			flag = hostfs.Write | hostfs.Create | hostfs.Append
		}
		d, err := c.Open(name, flag, 0o666)
		if err != nil {
			return nil, err
		}
		return descFile{c, d}, nil
	}
	env.Shell = func(line string, in io.Reader, out io.Writer) int { return shellLine(c, line, in, out) }
	code, err := prog.Run(env)
	if err != nil && c.Context().Err() == nil {
		c.Errorf("%v", err)
	}
	return code
}

// descFile is an open description as a Go file.
type descFile struct {
	c *machine.Call
	d *machine.Desc
}

func (f descFile) Read(b []byte) (int, error)  { return f.d.Read(f.c.Context(), b) }
func (f descFile) Write(b []byte) (int, error) { return f.d.Write(f.c.Context(), b) }
func (f descFile) Close() error                { f.d.Drop(); return nil }

// shellLine runs a command line by /bin/sh; out takes what it prints.
func shellLine(c *machine.Call, line string, in io.Reader, out io.Writer) int {
	c.Out.Flush()
	var r, w *machine.Desc
	if out != nil {
		r, w = machine.Pipe()
		defer r.Drop()
	}
	child, err := c.Start([]string{"/bin/sh", "-c", line}, func(p *machine.Proc) {
		if in != nil {
			data, _ := readAll(in)
			p.SetFD(0, machine.NewBytes(data)).Drop()
		}
		if w != nil {
			p.SetFD(1, w).Drop()
		}
	})
	if err != nil {
		return 127
	}
	if out != nil {
		io.Copy(out, io.LimitReader(machine.Reader{Ctx: c.Context(), D: r}, maxInput))
	}
	return c.Wait(child)
}
