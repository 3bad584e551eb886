package modules

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var getCertificateModule = Module{
	Name:       "community.crypto.get_certificate",
	Summary:    say.T("Fetches the certificate of a TLS server.", "TLS 서버의 인증서를 가져온다."),
	Notes:      say.T("Connects from the host, through the connection or its openssl. Names of extensions are in ext_name where Ansible has them; their values are always base64.", "호스트에서 접속한다(연결 또는 호스트의 openssl). 확장의 값은 늘 base64이다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "host", Required: true, Doc: say.T("The server.", "서버.")},
			{Name: "port", Type: Int, Required: true, Doc: say.T("Its port.", "포트.")},
			{Name: "server_name", Doc: say.T("Name to ask for (SNI); else host.", "요청할 이름(SNI). 없으면 host.")},
			{Name: "ca_cert", Type: Path, Doc: say.T("Certificates that must have signed it, on the host.", "서명했어야 하는 인증서(호스트의 파일).")},
			{Name: "timeout", Type: Int, Default: 10, Doc: say.T("Seconds to wait.", "기다릴 초.")},
			{Name: "proxy_host", Doc: say.T("Proxy.", "프록시.")},
			{Name: "proxy_port", Type: Int, Default: 8080, Doc: say.T("Port of the proxy.", "프록시의 포트.")},
			{Name: "starttls", Choices: []any{"mysql"}, Doc: say.T("Not done here: the task fails.", "여기서는 하지 않으며 작업이 실패한다.")},
			{Name: "ciphers", Type: List, Elements: Str, Doc: say.T("Not done here: the task fails.", "여기서는 하지 않으며 작업이 실패한다.")},
			{Name: "asn1_base64", Type: Bool, Default: false, NoEffect: true, Doc: say.T("values of extensions are always base64.", "확장의 값은 늘 base64이다.")},
			{Name: "select_crypto_backend", Default: "auto", Choices: []any{"auto", "cryptography"}, NoEffect: true, Doc: say.T("nothing of Python is used.", "Python을 쓰지 않는다.")},
		},
	},
	Returns: []Return{
		{"cert", "str", "success", say.T("The certificate, as PEM.", "인증서(PEM).")},
		{"expired", "bool", "success", say.T("Whether its time is over.", "유효 기간이 지났는지.")},
		{"subject", "dict", "success", say.T("Whom it is for.", "인증서의 주인.")},
		{"issuer", "dict", "success", say.T("Who signed it.", "서명한 곳.")},
		{"not_before", "str", "success", say.T("From when it is valid.", "유효 시작 시각.")},
		{"not_after", "str", "success", say.T("Until when it is valid.", "유효 마감 시각.")},
		{"serial_number", "int", "success", say.T("Its number.", "일련번호.")},
		{"signature_algorithm", "str", "success", say.T("How it was signed.", "서명 방식.")},
		{"version", "int", "success", say.T("Its version.", "판.")},
		{"extensions", "list", "success", say.T("Its extensions.", "확장들.")},
	},
	Run: runGetCertificate,
}

func runGetCertificate(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	for _, name := range []string{"starttls", "ciphers"} {
		if a.Given(name) {
			return Fail("%s is not supported: use openssl s_client in a command", name), nil
		}
	}
	roots, fail, err := c.certificateRoots(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	chain, err := c.peerCertificates(ctx)
	if connection.IsUnreachable(err) || err != nil && ctx.Err() != nil {
		return nil, err
	}
	if err == nil && roots != nil {
		err = verifyChain(chain, roots, cmpName(a))
	}
	if err != nil {
		return Fail("Failed to get cert from %s:%d, error: %s", a.Str("host"), a.Int("port"), err), nil
	}
	cert := chain[0]
	r := OK().Set("cert", pemText("CERTIFICATE", cert.Raw)).Set("expired", cert.NotAfter.Before(time.Now()))
	for name, raw := range map[string][]byte{"subject": cert.RawSubject, "issuer": cert.RawIssuer} {
		r.Set(name, shortNames(raw))
	}
	extensions := &value.List{}
	for _, e := range cert.Extensions {
		name := e.Id.String()
		if n, ok := extensionNames[name]; ok {
			name = n
		}
		extensions.Append(value.NewDict("critical", e.Critical, "asn1_data", base64.StdEncoding.EncodeToString(e.Value), "name", name))
	}
	r.Set("extensions", extensions).Set("not_after", cert.NotAfter.UTC().Format(certificateTime)).Set("not_before", cert.NotBefore.UTC().Format(certificateTime))
	return r.Set("serial_number", value.Int(cert.SerialNumber)).Set("signature_algorithm", signatureName(cert.Raw)).Set("version", cert.Version-1), nil
}

// extensionNames are OpenSSL's names of extensions.
var extensionNames = map[string]string{
	"2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage", "2.5.29.17": "subjectAltName", "2.5.29.18": "issuerAltName", "2.5.29.19": "basicConstraints",
	"2.5.29.30": "nameConstraints", "2.5.29.31": "cRLDistributionPoints", "2.5.29.32": "certificatePolicies", "2.5.29.35": "authorityKeyIdentifier", "2.5.29.37": "extendedKeyUsage",
	"1.3.6.1.5.5.7.1.1": "authorityInfoAccess", "1.3.6.1.5.5.7.1.24": "TLSFeature", "1.3.6.1.4.1.11129.2.4.2": "signedCertificateTimestampList",
}

// abbreviations are the short names of what stands in a name.
var abbreviations = map[string]string{
	"commonName": "CN", "countryName": "C", "localityName": "L", "stateOrProvinceName": "ST", "organizationName": "O", "organizationalUnitName": "OU", "domainComponent": "DC",
	"userId": "UID", "surname": "SN", "givenName": "GN", "streetAddress": "street",
}

// shortNames is a name by its short words.
func shortNames(raw []byte) *value.Dict {
	_, byName := distinguished(raw)
	out := value.NewDict()
	for k, v := range byName.All() {
		name := value.Str(k)
		if s, ok := abbreviations[name]; ok {
			name = s
		}
		out.Set(name, v)
	}
	return out
}

// cmpName is the name that the certificate must be for.
func cmpName(a Args) string {
	if n := a.Str("server_name"); n != "" {
		return n
	}
	return a.Str("host")
}

func verifyChain(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	o := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(o)
	return err
}

// certificateRoots reads ca_cert of the host, nil when it was not given.
func (c *Call) certificateRoots(ctx context.Context) (*x509.CertPool, *Result, error) {
	if !c.Args.Given("ca_cert") {
		return nil, nil, nil
	}
	t, fail, err := c.openFile(ctx, c.Args.Str("ca_cert"), attrs{}, ":\n")
	if fail != nil || err != nil {
		return nil, fail, err
	}
	if !t.exists {
		return nil, Fail("ca_cert file does not exist"), nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(t.content) {
		return nil, Fail("there is no certificate in %s", c.Args.Str("ca_cert")), nil
	}
	return pool, nil, nil
}

// peerCertificates connects from the host and returns what the server shows.
func (c *Call) peerCertificates(ctx context.Context) ([]*x509.Certificate, error) {
	a := c.Args
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(a.Int("timeout"), 1))*time.Second)
	defer cancel()
	address := net.JoinHostPort(a.Str("host"), strconv.Itoa(a.Int("port")))
	d, ok := c.Conn.(connection.Dialer)
	if !ok {
		return c.certificatesByOpenSSL(ctx, address)
	}
	to := address
	if a.Given("proxy_host") {
		to = net.JoinHostPort(a.Str("proxy_host"), strconv.Itoa(a.Int("proxy_port")))
	}
	conn, err := d.Dial(ctx, "tcp", to)
	if errors.Is(err, connection.ErrNoDial) {
		return c.certificatesByOpenSSL(ctx, address)
	}
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if a.Given("proxy_host") {
		if err := connectThrough(conn, address); err != nil {
			return nil, err
		}
	}
	t := tls.Client(conn, &tls.Config{ServerName: cmpName(a), InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) //nolint:gosec // the certificate is what is asked for
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return t.ConnectionState().PeerCertificates, nil
}

// connectThrough asks a proxy for a connection. The answer is read byte by byte:
// what follows belongs to TLS.
func connectThrough(conn net.Conn, address string) error {
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.0\r\n\r\n", address); err != nil {
		return err
	}
	var answer []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(answer), "\r\n\r\n"); {
		if _, err := conn.Read(b); err != nil {
			return fmt.Errorf("the proxy: %w", err)
		}
		if answer = append(answer, b[0]); len(answer) > 8<<10 {
			return errors.New("the proxy answered with more than a header")
		}
	}
	line, _, _ := strings.Cut(string(answer), "\r\n")
	if f := strings.Fields(line); len(f) < 2 || f[1] != "200" {
		return fmt.Errorf("the proxy said: %s", line)
	}
	return nil
}

// certificatesByOpenSSL asks the host's openssl.
func (c *Call) certificatesByOpenSSL(ctx context.Context, address string) ([]*x509.Certificate, error) {
	words := []string{"openssl", "s_client", "-showcerts", "-connect", address}
	if c.Args.Given("proxy_host") {
		words = append(words, "-proxy", net.JoinHostPort(c.Args.Str("proxy_host"), strconv.Itoa(c.Args.Int("proxy_port"))))
	}
	if net.ParseIP(cmpName(c.Args)) == nil {
		words = append(words, "-servername", cmpName(c.Args))
	}
	s, fail, err := c.hear(ctx, needTool("openssl")+shellLine(words...)+" </dev/null", "")
	if err != nil {
		return nil, err
	}
	if fail != nil {
		return nil, errors.New(fail.Msg)
	}
	var chain []*x509.Certificate
	for rest := []byte(s.out); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			chain = append(chain, cert)
		}
	}
	if len(chain) == 0 {
		return nil, errors.New(scriptError([]byte(s.message())))
	}
	return chain, nil
}
