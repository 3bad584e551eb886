package modules

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"sunup/internal/say"
	"sunup/internal/value"
)

var x509CertificateInfoModule = Module{
	Name:       "community.crypto.x509_certificate_info",
	Summary:    say.T("Tells what a certificate says.", "인증서에 적힌 것을 알려 준다."),
	Notes:      say.T("Read here, not on the host: neither Python nor OpenSSL is needed there. name_encoding has no effect.", "호스트가 아니라 여기에서 읽으므로 호스트에 Python도 OpenSSL도 필요 없다. name_encoding은 효과가 없다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "path", Type: Path, Doc: say.T("The certificate, on the host.", "인증서(호스트의 파일).")},
			{Name: "content", Doc: say.T("The certificate itself, as PEM.", "인증서 자체(PEM).")},
			{Name: "valid_at", Type: Dict, Doc: say.T("Moments to look at, by names of your own: +1w, 20270101120000Z.", "살펴볼 시각들. 이름은 마음대로: +1w, 20270101120000Z.")},
			{Name: "name_encoding", Default: "ignore", Choices: []any{"ignore", "idna", "unicode"}, NoEffect: true, Doc: say.T("names are told as they stand there.", "이름은 적힌 그대로 알린다.")},
			{Name: "select_crypto_backend", Default: "auto", Choices: []any{"auto", "cryptography"}, NoEffect: true, Doc: say.T("nothing of Python is used.", "Python을 쓰지 않는다.")},
		},
		RequiredOneOf:     [][]string{{"path", "content"}},
		MutuallyExclusive: [][]string{{"path", "content"}},
	},
	Returns: []Return{
		{"subject", "dict", "success", say.T("Whom the certificate is for; subject_ordered keeps the order.", "인증서의 주인. subject_ordered는 순서를 지킨다.")},
		{"issuer", "dict", "success", say.T("Who signed it; issuer_ordered keeps the order.", "서명한 곳. issuer_ordered는 순서를 지킨다.")},
		{"not_before", "str", "success", say.T("From when it is valid (20261121090000Z).", "유효 시작 시각(20261121090000Z).")},
		{"not_after", "str", "success", say.T("Until when it is valid.", "유효 마감 시각.")},
		{"expired", "bool", "success", say.T("Whether that time is over.", "마감이 지났는지.")},
		{"valid_at", "dict", "success", say.T("Whether it is valid at each moment asked for.", "물어본 시각마다 유효한지.")},
		{"subject_alt_name", "list", "success", say.T("Names that it is for.", "인증서에 적힌 이름들.")},
		{"fingerprints", "dict", "success", say.T("Its hashes.", "해시 값들.")},
		{"public_key", "str", "success", say.T("Its public key; public_key_type, public_key_data and public_key_fingerprints tell more.", "공개 키. public_key_type, public_key_data, public_key_fingerprints가 더 알려 준다.")},
		{"serial_number", "int", "success", say.T("Its number.", "일련번호.")},
	},
	Run: runX509CertificateInfo,
}

func runX509CertificateInfo(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	text := []byte(a.Str("content"))
	if a.Given("path") {
		t, fail, err := c.openFile(ctx, a.Str("path"), attrs{}, ":\n")
		if fail != nil || err != nil {
			return fail, err
		}
		if !t.exists {
			return Fail("Error while reading certificate file from disk: %s is not there", a.Str("path")), nil
		}
		text = t.content
	}
	cert, err := readCertificate(text)
	if err != nil {
		return Fail("Cannot read the certificate: %s", err), nil
	}
	r := OK()
	certificateInfo(r, cert)
	now := time.Now()
	r.Set("expired", cert.NotAfter.Before(now))
	at := value.NewDict()
	for name, v := range a.Dict("valid_at").All() {
		moment, err := certificateMoment(value.Str(v), now)
		if err != nil {
			return Fail("The value for valid_at.%s must be a time as in +1w2d or 20270101120000Z: %s", value.Str(name), err), nil
		}
		at.Set(name, !cert.NotBefore.After(moment) && !moment.After(cert.NotAfter))
	}
	return r.Set("valid_at", at), nil
}

// readCertificate reads the first certificate of a text in PEM.
func readCertificate(text []byte) (*x509.Certificate, error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("there is no BEGIN CERTIFICATE in it")
		}
		if block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
		text = rest
	}
}

var relativeMoment = regexp.MustCompile(`^([+-])(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$`)

// certificateMoment reads a moment: relative, +32w1d2h, or absolute.
func certificateMoment(text string, now time.Time) (time.Time, error) {
	m := relativeMoment.FindStringSubmatch(text)
	if m == nil {
		for _, layout := range []string{certificateTime, "20060102150405-0700", "200601021504Z"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t, nil
			}
		}
		return time.Time{}, fmt.Errorf("'%s' is not one", text)
	}
	seconds := 0
	for i, unit := range []int{7 * 86400, 86400, 3600, 60, 1} {
		n, _ := strconv.Atoi(m[i+2])
		seconds += n * unit
	}
	if m[1] == "-" {
		seconds = -seconds
	}
	return now.Add(time.Duration(seconds) * time.Second), nil
}
