package health

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"strings"
)

// postgres begins a session as pg_isready does: a server that asks for a
// password, or refuses us, is there.
func postgres(o options) (asker, string) {
	at, from := o.at(5432), o.from
	hello := postgresHello(cmp.Or(o.text("user"), "sunup"), cmp.Or(o.text("database"), "postgres"))
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		reply, err := t.exchange(ctx, from, at.address(t, from), question{send: hello, enough: postgresEnough})
		if err != nil {
			return failed(err)
		}
		return postgresAnswer(reply)
	}, at.String()
}

// postgresHello is a startup message of protocol 3.0.
func postgresHello(user, database string) []byte {
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	for _, s := range []string{"user", user, "database", database, "application_name", "sunup"} {
		body = append(append(body, s...), 0)
	}
	body = append(body, 0)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)
}

// postgresEnough reports whether the first message is whole; what is no message
// of PostgreSQL's never will be.
func postgresEnough(b []byte) bool {
	switch {
	case len(b) == 0:
		return false
	case b[0] != 'E' || len(b) > 4096:
		return true
	}
	return len(b) >= 5 && len(b) > int(binary.BigEndian.Uint32(b[1:5]))
}

func postgresAnswer(b []byte) Answer {
	switch {
	case len(b) > 0 && b[0] == 'R':
		return good()
	case len(b) < 5 || b[0] != 'E':
		return bad("the answer is not PostgreSQL's", "PostgreSQL의 응답이 아닙니다")
	}
	fields := map[byte]string{}
	for _, f := range bytes.Split(b[5:], []byte{0}) {
		if len(f) > 1 {
			fields[f[0]] = string(f[1:])
		}
	}
	// Class 57 is the operator's doing: starting up, shutting down. 53300 is too
	// many clients. Everything else is an answer of a server that works.
	if code := fields['C']; strings.HasPrefix(code, "57") || code == "53300" {
		return bad("%s", "%s", firstLine(cmp.Or(fields['M'], code)))
	}
	return good()
}

// mysql reads the greeting, which the server sends by itself, and logs in
// without a password where it must: a server counts those who leave after the
// greeting and shuts out a machine that did so a hundred times. A refused login
// is not counted, and tells as well that the server works. Only on the server
// itself nobody is counted.
func mysql(o options) (asker, string) {
	at, from := o.at(3306), o.from
	greeting := question{enough: func(b []byte) bool { return mysqlPackets(b) > 0 }}
	login := question{send: mysqlLogin("sunup"), ends: true, enough: func(b []byte) bool { return mysqlPackets(b) > 1 || mysqlError(b) }}
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		to, q := at.address(t, from), login
		if from == FromTarget && (at.host == "" || at.host == "localhost" || at.host == "127.0.0.1" || at.host == "::1") {
			q = greeting
		}
		reply, err := t.exchange(ctx, from, to, q)
		if err != nil && mysqlPackets(reply) == 0 {
			return failed(err)
		}
		return mysqlAnswer(reply)
	}, at.String()
}

// mysqlLogin is the answer to a greeting: a user without a password. It does
// not depend on what the greeting says.
func mysqlLogin(user string) []byte {
	const longPassword, protocol41, secureConnection, pluginAuth = 1, 1 << 9, 1 << 15, 1 << 19
	body := binary.LittleEndian.AppendUint32(nil, longPassword|protocol41|secureConnection|pluginAuth)
	body = binary.LittleEndian.AppendUint32(body, 1<<24) // the longest packet
	body = append(body, 33)                              // UTF-8
	body = append(body, make([]byte, 23)...)
	body = append(body, user...)
	body = append(body, 0, 0) // the end of the name, and no password
	body = append(body, "mysql_native_password\x00"...)
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(body))|1<<24) // the second packet
	return append(head, body...)
}

// mysqlPackets counts the packets that are whole; what is no packet of MySQL's
// counts too, so that it is not waited for.
func mysqlPackets(b []byte) (n int) {
	for ; len(b) >= 5; n++ {
		size := 4 + (int(b[0]) | int(b[1])<<8 | int(b[2])<<16)
		if n == 0 && b[4] != 10 && b[4] != 0xff {
			return 2
		}
		if len(b) < size {
			return n
		}
		b = b[size:]
	}
	return n
}

// mysqlError reports whether the server said no instead of a greeting.
func mysqlError(b []byte) bool { return len(b) >= 5 && b[4] == 0xff && mysqlPackets(b) > 0 }

func mysqlAnswer(b []byte) Answer {
	switch {
	case len(b) >= 5 && b[4] == 10:
		return mysqlLoggedIn(b[min(4+(int(b[0])|int(b[1])<<8|int(b[2])<<16), len(b)):])
	case len(b) >= 7 && b[4] == 0xff:
		return bad("%s", "%s", mysqlWords(b))
	}
	return bad("the answer is not MySQL's", "MySQL의 응답이 아닙니다")
}

// mysqlLoggedIn is the answer to the login, if there is one: being let in, asked
// for more, or refused is all the same.
func mysqlLoggedIn(b []byte) Answer {
	if len(b) < 7 || b[4] != 0xff {
		return good()
	}
	switch int(b[5]) | int(b[6])<<8 {
	case 1040, 1041, 1053, 1129: // too many connections, no memory, shutting down, shut out
		return bad("%s", "%s", mysqlWords(b))
	}
	return good()
}

// mysqlWords is the message of an error packet: before the handshake it has no
// state, after it '#' and five letters.
func mysqlWords(b []byte) string {
	text := b[7:]
	if len(text) > 6 && text[0] == '#' {
		text = text[6:]
	}
	return firstLine(string(text))
}

// redis sends PING. A server that asks for a password is there; one that is
// loading is not.
func redis(o options) (asker, string) {
	at, from := o.at(6379), o.from
	var hello bytes.Buffer
	lines := 1
	if pw := o.text("password"); pw != "" {
		lines = 2
		writeRESP(&hello, "AUTH", pw)
	}
	writeRESP(&hello, "PING")
	writeRESP(&hello, "QUIT")
	q := question{send: hello.Bytes(), ends: true, enough: func(b []byte) bool { return bytes.Count(b, []byte("\r\n")) >= lines }}
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		reply, err := t.exchange(ctx, from, at.address(t, from), q)
		if err != nil {
			return failed(err)
		}
		return redisAnswer(reply)
	}, at.String()
}

// writeRESP writes a command the way that takes any text.
func writeRESP(b *bytes.Buffer, words ...string) {
	b.WriteString("*" + itoa(len(words)) + "\r\n")
	for _, w := range words {
		b.WriteString("$" + itoa(len(w)) + "\r\n" + w + "\r\n")
	}
}

func redisAnswer(b []byte) Answer {
	for line := range bytes.Lines(b) {
		line := strings.TrimSpace(string(line))
		switch {
		case line == "+PONG", strings.HasPrefix(line, "-NOAUTH"):
			return good()
		case line == "+OK", line == "":
		case strings.HasPrefix(line, "-"):
			return bad("%s", "%s", excerpt(line[1:]))
		default:
			return bad("the answer is not Redis's", "Redis의 응답이 아닙니다")
		}
	}
	return bad("the answer is not Redis's", "Redis의 응답이 아닙니다")
}
