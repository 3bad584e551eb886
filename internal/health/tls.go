package health

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"
)

// certificate looks at the certificate that a port shows.
func certificate(o options) (asker, string) {
	at := o.at(443)
	c := certificateAsk{from: o.from, at: at, days: o.integer("days", 7), name: o.text("name"), verify: o.flag("verify", false)}
	return c.ask, at.String()
}

// certificateAsk is what a certificate must be.
type certificateAsk struct {
	from   From
	at     endpoint
	days   int    // that it must still be good
	name   string // that it must be for; empty: not looked at
	verify bool   // by the authorities that the controller trusts
}

func (c certificateAsk) ask(ctx context.Context, t *Target, _ *memory) Answer {
	chain, err := c.chain(ctx, t)
	if err != nil {
		return failed(err)
	}
	if len(chain) == 0 {
		return bad("no certificate is shown", "인증서를 제시하지 않습니다")
	}
	return c.judge(chain, t.now())
}

func (c certificateAsk) chain(ctx context.Context, t *Target) ([]*x509.Certificate, error) {
	addr := c.at.address(t, c.from)
	conn, err := t.dial(ctx, c.from, addr)
	if errors.Is(err, errNoWay) {
		return c.byTool(ctx, t, addr)
	}
	if err != nil {
		return nil, err
	}
	defer bounded(ctx, conn)()
	// What is wrong with the certificate is for judge to say, not for the
	// handshake to end with.
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: c.serverName(addr)}) //nolint:gosec // see above
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return client.ConnectionState().PeerCertificates, nil
}

// serverName is what we ask for; addresses are never asked for.
func (c certificateAsk) serverName(addr string) string {
	name := c.name
	if name == "" {
		name, _, _ = net.SplitHostPort(addr)
	}
	if net.ParseIP(name) != nil {
		return ""
	}
	return name
}

// byTool asks the host's openssl.
func (c certificateAsk) byTool(ctx context.Context, t *Target, addr string) ([]*x509.Certificate, error) {
	name := ""
	if n := c.serverName(addr); n != "" {
		name = " -servername " + quoted(n)
	}
	out, err := t.run(ctx, `command -v openssl >/dev/null 2>&1 || exit 99
openssl s_client -showcerts -connect `+quoted(addr)+name+` </dev/null 2>&1`, nil)
	switch {
	case err != nil:
		return nil, err
	case out.Code == 99:
		return nil, errors.New("needs openssl on the host, or from: controller")
	}
	var chain []*x509.Certificate
	for rest := out.Stdout; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			chain = append(chain, cert)
		}
	}
	if len(chain) == 0 && out.Code != 0 {
		return nil, errors.New(cmp.Or(firstLine(string(out.Stdout)), "openssl found no certificate"))
	}
	return chain, nil
}

func (c certificateAsk) judge(chain []*x509.Certificate, now time.Time) Answer {
	cert := chain[0]
	left := int(cert.NotAfter.Sub(now).Hours() / 24)
	switch {
	case now.Before(cert.NotBefore):
		return bad("the certificate is good from %s only", "인증서가 %s부터 유효합니다", cert.NotBefore.Format(time.DateOnly))
	case now.After(cert.NotAfter):
		return bad("the certificate ended on %s", "인증서가 %s에 만료되었습니다", cert.NotAfter.Format(time.DateOnly))
	case left < c.days:
		return bad("the certificate ends in %d days, on %s; %d are asked for", "인증서가 %d일 뒤(%s) 만료됩니다. 최소 %d일이 남아 있어야 합니다", left, cert.NotAfter.Format(time.DateOnly), c.days)
	}
	if c.name != "" {
		if err := cert.VerifyHostname(c.name); err != nil {
			return bad("the certificate is not for %s", "인증서가 %s용이 아닙니다", c.name)
		}
	}
	if !c.verify {
		return good()
	}
	between := x509.NewCertPool()
	for _, other := range chain[1:] {
		between.AddCert(other)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Intermediates: between, CurrentTime: now}); err != nil {
		return bad("the certificate is not trusted: %s", "인증서를 신뢰할 수 없습니다: %s", firstLine(err.Error()))
	}
	return good()
}
