package shell

import (
	"path"
	"strings"

	"sunup/lab/glob"
	"sunup/lab/hostfs"
)

// maxMatches bounds the result of one glob.
const maxMatches = 100_000

// glob finds the files that match; none means that the word stays as it is.
func (s *Shell) glob(pat string) []string {
	dirs := []string{""}
	rest := pat
	if strings.HasPrefix(rest, "/") {
		dirs[0] = "/"
		rest = strings.TrimLeft(rest, "/")
	}
	for rest != "" && len(dirs) > 0 {
		part, tail, more := strings.Cut(rest, "/")
		tail = strings.TrimLeft(tail, "/")
		var next []string
		for _, dir := range dirs {
			next = s.globPart(next, dir, part, more)
		}
		if more {
			for i := range next {
				next[i] += "/"
			}
		}
		dirs, rest = next, tail
		if len(dirs) > maxMatches {
			return nil
		}
	}
	return dirs
}

func (s *Shell) globPart(found []string, dir, part string, wantDir bool) []string {
	fsys, cred := s.p.M.FS, s.p.Cred
	if !glob.HasMeta(part) {
		name := dir + glob.Unescape(part)
		i, err := fsys.Lstat(cred, s.p.Abs(name))
		if err == nil && wantDir {
			i, err = fsys.Stat(cred, s.p.Abs(name))
		}
		if err != nil || wantDir && !i.IsDir() {
			return found
		}
		return append(found, name)
	}
	at := s.p.Abs(dir)
	if dir == "" {
		at = s.p.Cwd
	}
	list, err := fsys.ReadDir(cred, at)
	if err != nil {
		return found
	}
	for _, i := range list {
		if i.Base[0] == '.' && !strings.HasPrefix(part, ".") {
			continue
		}
		if !glob.Match(part, i.Base) || wantDir && !s.isDir(at, i) {
			continue
		}
		found = append(found, dir+i.Base)
	}
	return found
}

func (s *Shell) isDir(dir string, i hostfs.Info) bool {
	if i.IsLink() {
		i, _ = s.p.M.FS.Stat(s.p.Cred, path.Join(dir, i.Base))
	}
	return i.IsDir()
}
