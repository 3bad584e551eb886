package lookup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sunup/internal/jinja/pyrandom"
	"sunup/internal/value"
)

// password returns the password that a file holds, or makes one and keeps it there. The file has the form of
// ansible-core: the password in clear, then " salt=..." and " ident=..." when it was asked for encrypted.
func password(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	r.set.making.Lock()
	defer r.set.making.Unlock()
	var out []any
	for _, w := range words {
		wish, err := r.passwordWish(w)
		if err != nil {
			return nil, err
		}
		p, err := r.password(wish)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// passwordWish is what a term and the options ask for.
type passwordWish struct {
	path           string // "" for one that is not kept
	length         int
	chars          []rune
	seed           string
	encrypt, ident string
}

// keptPassword is what the file says.
type keptPassword struct{ plain, salt, ident string }

const maxPassword = 10_000 // characters

var passwordOptions = []string{"length", "encrypt", "chars", "ident", "seed"}

func (r *request) passwordWish(term string) (passwordWish, error) {
	path, rest, _ := strings.Cut(term, " ")
	more, opts, err := r.keyValue(rest)
	if err != nil {
		return passwordWish{}, err
	}
	if more != "" {
		if path += " " + more; !strings.HasPrefix(term, path) {
			return passwordWish{}, fmt.Errorf("Unrecognized value after key=value parameters given to password lookup")
		}
	}
	for name := range opts {
		if !slices.Contains(passwordOptions, name) {
			return passwordWish{}, fmt.Errorf("Unrecognized parameter(s) given to password lookup: %s", name)
		}
	}
	w := passwordWish{
		path: r.passwordPath(path), chars: passwordChars(r.charSets(opts)), seed: r.option(opts, "seed", ""),
		encrypt: r.option(opts, "encrypt", ""), ident: r.option(opts, "ident", ""),
	}
	w.length, err = strconv.Atoi(r.option(opts, "length", "20"))
	if err != nil || w.length < 0 || w.length > maxPassword {
		return w, fmt.Errorf("password: length must be a number from 0 to %d", maxPassword)
	}
	return w, nil
}

func (r *request) passwordPath(path string) string {
	if path == os.DevNull {
		return ""
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(path, "~/") {
		return filepath.Join(home, path[2:])
	}
	if filepath.IsAbs(path) {
		return path
	}
	dirs := r.dirs()
	return filepath.Join(dirs[len(dirs)-1], path)
}

// charSets lists the sets to choose from; in a text they are parted by commas, two of which are a comma.
func (r *request) charSets(opts map[string]string) []string {
	text, given := opts["chars"]
	if l, ok := r.opts.At("chars").(*value.List); ok && !given {
		var sets []string
		for _, s := range l.Items {
			sets = append(sets, value.Str(s))
		}
		return sets
	}
	if !given {
		text = r.text("chars", "")
	}
	if text == "" {
		return []string{"ascii_letters", "digits", ".,:-_"}
	}
	var sets []string
	if strings.Contains(text, ",,") {
		sets = append(sets, ",")
	}
	for _, s := range strings.Split(strings.ReplaceAll(text, ",,", ","), ",") {
		if s != "" {
			sets = append(sets, s)
		}
	}
	return sets
}

// namedChars are the sets that Python's module string names.
var namedChars = map[string]string{
	"ascii_letters":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
	"ascii_uppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"digits":          "0123456789",
	"hexdigits":       "0123456789abcdefABCDEF",
	"octdigits":       "01234567",
	"punctuation":     "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}

// passwordChars puts sets together in their order, which counts for a seed; quotes are left out.
func passwordChars(sets []string) []rune {
	var b strings.Builder
	for _, s := range sets {
		if named, ok := namedChars[s]; ok {
			s = named
		}
		b.WriteString(s)
	}
	return []rune(strings.NewReplacer(`"`, "", "'", "").Replace(b.String()))
}

func (r *request) password(w passwordWish) (any, error) {
	had, there, err := keptAt(w.path)
	if err != nil {
		return nil, err
	}
	p := had
	if !there {
		if p.plain, err = w.draw(); err != nil {
			return nil, err
		}
	}
	if w.encrypt != "" {
		if err := p.complete(w); err != nil {
			return nil, err
		}
	}
	if w.path != "" && (!there || p != had) {
		if err := p.keep(w.path); err != nil {
			return nil, err
		}
	}
	if w.encrypt == "" {
		return p.plain, nil
	}
	args := value.NewDict("hashtype", w.encrypt, "salt", p.salt)
	if p.ident != "" {
		args.Set("ident", p.ident)
	}
	return r.call.Filter("password_hash", p.plain, args)
}

func keptAt(path string) (p keptPassword, there bool, err error) {
	if path == "" {
		return p, false, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("password: %w", err)
	}
	p.plain = strings.TrimRight(string(b), " \t\r\n")
	if at := strings.LastIndex(p.plain, " salt="); at >= 0 {
		p.plain, p.salt = p.plain[:at], p.plain[at+len(" salt="):]
	}
	if at := strings.LastIndex(p.salt, " ident="); at >= 0 {
		p.salt, p.ident = p.salt[:at], p.salt[at+len(" ident="):]
	}
	return p, true, nil
}

// complete adds what an encrypted password needs to come out the same the next time.
func (p *keptPassword) complete(w passwordWish) error {
	bcrypt := w.encrypt == "bcrypt" || w.encrypt == "blowfish"
	if p.salt == "" {
		size := 16
		switch {
		case bcrypt:
			size = 22
		case strings.HasPrefix(w.encrypt, "md5"):
			size = 8
		}
		salt, err := randomText([]rune(namedChars["ascii_letters"]+namedChars["digits"]+"./"), size)
		if err != nil {
			return err
		}
		p.salt = salt
	}
	switch {
	case w.ident != "" && p.ident != "" && w.ident != p.ident:
		return fmt.Errorf("The ident parameter provided (%s) does not match the stored one (%s).", w.ident, p.ident)
	case w.ident != "":
		p.ident = w.ident
	case p.ident == "" && bcrypt:
		p.ident = "2b"
	}
	return nil
}

// keep writes the file in one piece: a run that is cut leaves no half a password behind.
func (p keptPassword) keep(path string) error {
	text := p.plain
	if p.salt != "" {
		text += " salt=" + p.salt
	}
	if p.ident != "" {
		text += " ident=" + p.ident
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("password: make directory: %w", err)
	}
	f, err := os.CreateTemp(dir, ".password-*") // mode 0600
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	_, err = f.WriteString(text + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the first error is told
		return fmt.Errorf("password: write %s: %w", path, err)
	}
	return nil
}

// draw makes a new password: by seed the one that Python would make.
func (w passwordWish) draw() (string, error) {
	if w.seed == "" || len(w.chars) == 0 {
		return randomText(w.chars, w.length)
	}
	source := pyrandom.FromText(w.seed)
	out := make([]rune, w.length)
	for i := range out {
		out[i] = w.chars[source.Below(len(w.chars))]
	}
	return string(out), nil
}

func randomText(set []rune, n int) (string, error) {
	if len(set) == 0 {
		return "", fmt.Errorf("password: no characters to choose from")
	}
	out := make([]rune, n)
	for i := range out {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err != nil {
			return "", fmt.Errorf("choose at random: %w", err)
		}
		out[i] = set[k.Int64()]
	}
	return string(out), nil
}
