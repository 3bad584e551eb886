package connection

import "context"

// WithEnv returns c with variables exported to every command, before those of
// the command itself. Each is NAME=value.
func WithEnv(c Conn, env []string) Conn {
	w := withEnv{Conn: c, env: env}
	if d, ok := c.(Dialer); ok {
		return withEnvDialer{w, d}
	}
	return w
}

// withEnvDialer keeps what the Conn below can do beside Conn.
type withEnvDialer struct {
	withEnv
	Dialer
}

type withEnv struct {
	Conn
	env []string
}

// Exec runs the command with the further variables.
func (w withEnv) Exec(ctx context.Context, cmd Command) (Output, error) {
	if !cmd.Raw {
		cmd.Env = append(append([]string(nil), w.env...), cmd.Env...)
	}
	return w.Conn.Exec(ctx, cmd)
}

// Unwrap gives the Conn below, for what it can do beside Conn.
func (w withEnv) Unwrap() Conn { return w.Conn }
