package modules

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"sunup/internal/value"
)

// fingerprints are the hashes of data in the names that Python has for them.
func fingerprints(data []byte) *value.Dict {
	d := value.NewDict()
	add := func(name string, sum []byte) {
		parts := make([]string, len(sum))
		for i, b := range sum {
			parts[i] = hex.EncodeToString([]byte{b})
		}
		d.Set(name, strings.Join(parts, ":"))
	}
	b2b, b2s := blake2b.Sum512(data), blake2s.Sum256(data)
	m, s1, s224, s256, s384, s512 := md5.Sum(data), sha1.Sum(data), sha256.Sum224(data), sha256.Sum256(data), sha512.Sum384(data), sha512.Sum512(data)
	t224, t256, t384, t512 := sha3.Sum224(data), sha3.Sum256(data), sha3.Sum384(data), sha3.Sum512(data)
	add("blake2b", b2b[:])
	add("blake2s", b2s[:])
	add("md5", m[:])
	add("sha1", s1[:])
	add("sha224", s224[:])
	add("sha256", s256[:])
	add("sha384", s384[:])
	add("sha3_224", t224[:])
	add("sha3_256", t256[:])
	add("sha3_384", t384[:])
	add("sha3_512", t512[:])
	add("sha512", s512[:])
	add("shake_128", sha3.SumSHAKE128(data, 32))
	add("shake_256", sha3.SumSHAKE256(data, 32))
	return d
}

// curveNames are the names of curves in Ansible's words.
var curveNames = map[string]string{"P-224": "secp224r1", "P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}

// publicKeyData is the type of a public key and its numbers.
func publicKeyData(key any) (kind string, data *value.Dict) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "RSA", value.NewDict("modulus", value.Int(k.N), "exponent", k.E, "size", k.N.BitLen())
	case *ecdsa.PublicKey:
		p := k.Curve.Params()
		x, y := new(big.Int), new(big.Int)
		if raw, err := k.Bytes(); err == nil { // 4, then both numbers
			half := (len(raw) - 1) / 2
			x.SetBytes(raw[1 : 1+half])
			y.SetBytes(raw[1+half:])
		}
		return "ECC", value.NewDict("curve", curveNames[p.Name], "x", value.Int(x), "y", value.Int(y), "exponent_size", p.BitSize)
	case ed25519.PublicKey:
		return "Ed25519", value.NewDict()
	}
	return "unknown", value.NewDict()
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// nameWords are the names of what stands in a distinguished name.
var nameWords = map[string]string{
	"2.5.4.3": "commonName", "2.5.4.4": "surname", "2.5.4.5": "serialNumber", "2.5.4.6": "countryName", "2.5.4.7": "localityName", "2.5.4.8": "stateOrProvinceName",
	"2.5.4.9": "streetAddress", "2.5.4.10": "organizationName", "2.5.4.11": "organizationalUnitName", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "givenName",
	"2.5.4.43": "initials", "2.5.4.44": "generationQualifier", "2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier",
	"0.9.2342.19200300.100.1.1": "userId", "0.9.2342.19200300.100.1.25": "domainComponent", "1.2.840.113549.1.9.1": "emailAddress",
}

// distinguished reads a name, in order and by what it holds.
func distinguished(raw []byte) (ordered *value.List, byName *value.Dict) {
	ordered, byName = &value.List{}, value.NewDict()
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return ordered, byName
	}
	for _, set := range rdns {
		for _, a := range set {
			name := a.Type.String()
			if w, ok := nameWords[name]; ok {
				name = w
			}
			text := fmt.Sprint(a.Value)
			ordered.Append(value.NewList(name, text))
			byName.Set(name, text)
		}
	}
	return ordered, byName
}

// shortName is a name as RFC 4514 writes it, the last part first.
func shortName(raw []byte) string {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return fmt.Sprintf("%x", raw)
	}
	return rdns.String()
}

// generalName is one name of a subjectAltName, as OpenSSL prints it.
func generalName(v asn1.RawValue) string {
	switch v.Tag {
	case 1:
		return "email:" + string(v.Bytes)
	case 2:
		return "DNS:" + string(v.Bytes)
	case 4:
		return "dirName:" + shortName(v.Bytes)
	case 6:
		return "URI:" + string(v.Bytes)
	case 7:
		return "IP:" + net.IP(v.Bytes).String()
	case 8:
		var oid asn1.ObjectIdentifier
		if rest, err := asn1.UnmarshalWithParams(v.FullBytes, &oid, "tag:8"); err == nil && len(rest) == 0 {
			return "RID:" + oid.String()
		}
	}
	return fmt.Sprintf("otherName:%x", v.Bytes)
}

// generalNames reads a sequence of names.
func generalNames(der []byte) *value.List {
	list := &value.List{}
	var seq []asn1.RawValue
	if _, err := asn1.Unmarshal(der, &seq); err != nil {
		return list
	}
	for _, v := range seq {
		list.Append(generalName(v))
	}
	return list
}

// keyUsages are the names of the bits of keyUsage.
var keyUsages = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageCertSign, "Certificate Sign"}, {x509.KeyUsageCRLSign, "CRL Sign"}, {x509.KeyUsageDataEncipherment, "Data Encipherment"}, {x509.KeyUsageDecipherOnly, "Decipher Only"},
	{x509.KeyUsageDigitalSignature, "Digital Signature"}, {x509.KeyUsageEncipherOnly, "Encipher Only"}, {x509.KeyUsageKeyAgreement, "Key Agreement"},
	{x509.KeyUsageKeyEncipherment, "Key Encipherment"}, {x509.KeyUsageContentCommitment, "Non Repudiation"},
}

// extendedUsages are the names of what a certificate may be used for.
var extendedUsages = map[string]string{
	"1.3.6.1.5.5.7.3.1": "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.2": "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.3": "Code Signing",
	"1.3.6.1.5.5.7.3.4": "E-mail Protection", "1.3.6.1.5.5.7.3.8": "Time Stamping", "1.3.6.1.5.5.7.3.9": "OCSP Signing", "2.5.29.37.0": "Any Extended Key Usage",
}

// signatureNames are OpenSSL's names of signature algorithms.
var signatureNames = map[string]string{
	"1.2.840.113549.1.1.4": "md5WithRSAEncryption", "1.2.840.113549.1.1.5": "sha1WithRSAEncryption", "1.2.840.113549.1.1.14": "sha224WithRSAEncryption", "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
	"1.2.840.113549.1.1.12": "sha384WithRSAEncryption", "1.2.840.113549.1.1.13": "sha512WithRSAEncryption", "1.2.840.113549.1.1.10": "rsassaPss",
	"1.2.840.10045.4.1": "ecdsa-with-SHA1", "1.2.840.10045.4.3.1": "ecdsa-with-SHA224", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256", "1.2.840.10045.4.3.3": "ecdsa-with-SHA384", "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
	"1.3.101.112": "ED25519", "1.3.101.113": "ED448",
}

// signatureName is how a certificate was signed.
func signatureName(raw []byte) string {
	var c struct {
		Raw       asn1.RawContent
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(raw, &c); err != nil {
		return "unknown"
	}
	oid := c.Algorithm.Algorithm.String()
	if n, ok := signatureNames[oid]; ok {
		return n
	}
	return oid
}

// colons prints bytes in hex with colons between; nil for none.
func colons(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.Join(parts, ":")
}

const certificateTime = "20060102150405Z"

// certificateInfo sets what a certificate tells.
func certificateInfo(r *Result, cert *x509.Certificate) {
	extensions := value.NewDict()
	critical := map[string]bool{}
	values := map[string][]byte{}
	for _, e := range cert.Extensions {
		oid := e.Id.String()
		critical[oid], values[oid] = e.Critical, e.Value
		extensions.Set(oid, value.NewDict("critical", e.Critical, "value", base64.StdEncoding.EncodeToString(e.Value)))
	}
	r.Set("extensions_by_oid", extensions)
	kind, data := publicKeyData(cert.PublicKey)
	r.Set("public_key", pemText("PUBLIC KEY", cert.RawSubjectPublicKeyInfo)).Set("public_key_type", kind).Set("public_key_data", data)
	r.Set("public_key_fingerprints", fingerprints(cert.RawSubjectPublicKeyInfo)).Set("fingerprints", fingerprints(cert.Raw))
	for name, raw := range map[string][]byte{"subject": cert.RawSubject, "issuer": cert.RawIssuer} {
		ordered, byName := distinguished(raw)
		r.Set(name, byName).Set(name+"_ordered", ordered)
	}
	r.Set("not_before", cert.NotBefore.UTC().Format(certificateTime)).Set("not_after", cert.NotAfter.UTC().Format(certificateTime))
	r.Set("serial_number", value.Int(cert.SerialNumber)).Set("version", cert.Version).Set("signature_algorithm", signatureName(cert.Raw))
	setUsages(r, cert, critical)
	setAuthority(r, cert, values)
	r.Set("subject_alt_name", nil).Set("subject_alt_name_critical", critical["2.5.29.17"])
	if v, ok := values["2.5.29.17"]; ok {
		r.Set("subject_alt_name", generalNames(v))
	}
	r.Set("ocsp_must_staple", nil).Set("ocsp_must_staple_critical", critical["1.3.6.1.5.5.7.1.24"])
	var features []int
	if v, ok := values["1.3.6.1.5.5.7.1.24"]; ok {
		_, err := asn1.Unmarshal(v, &features)
		r.Set("ocsp_must_staple", err == nil && slices.Contains(features, 5))
	}
	r.Set("ocsp_uri", firstOrNil(cert.OCSPServer)).Set("issuer_uri", firstOrNil(cert.IssuingCertificateURL))
}

func firstOrNil(list []string) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// setUsages tells what the certificate may be used for.
func setUsages(r *Result, cert *x509.Certificate, critical map[string]bool) {
	r.Set("basic_constraints", nil).Set("basic_constraints_critical", critical["2.5.29.19"])
	if cert.BasicConstraintsValid {
		list := value.NewList("CA:" + strings.ToUpper(fmt.Sprint(cert.IsCA)))
		if cert.MaxPathLen > 0 || cert.MaxPathLenZero {
			list.Append(fmt.Sprintf("pathlen:%d", cert.MaxPathLen))
		}
		r.Set("basic_constraints", list)
	}
	r.Set("key_usage", nil).Set("key_usage_critical", critical["2.5.29.15"])
	if cert.KeyUsage != 0 {
		list := &value.List{}
		for _, u := range keyUsages {
			if cert.KeyUsage&u.bit != 0 {
				list.Append(u.name)
			}
		}
		r.Set("key_usage", list)
	}
	r.Set("extended_key_usage", nil).Set("extended_key_usage_critical", critical["2.5.29.37"])
	for _, e := range cert.Extensions {
		var oids []asn1.ObjectIdentifier
		if e.Id.String() != "2.5.29.37" {
			continue
		}
		if _, err := asn1.Unmarshal(e.Value, &oids); err != nil {
			continue
		}
		var names []string
		for _, oid := range oids {
			name := oid.String()
			if n, ok := extendedUsages[name]; ok {
				name = n
			}
			names = append(names, name)
		}
		slices.Sort(names)
		r.Set("extended_key_usage", value.Strings(names))
	}
}

// setAuthority tells whose key signed the certificate.
func setAuthority(r *Result, cert *x509.Certificate, values map[string][]byte) {
	r.Set("subject_key_identifier", colons(cert.SubjectKeyId)).Set("authority_key_identifier", colons(cert.AuthorityKeyId))
	r.Set("authority_cert_issuer", nil).Set("authority_cert_serial_number", nil)
	var a struct {
		ID     []byte        `asn1:"optional,tag:0"`
		Issuer asn1.RawValue `asn1:"optional,tag:1"`
		Serial *big.Int      `asn1:"optional,tag:2"`
	}
	v, ok := values["2.5.29.35"]
	if !ok {
		return
	}
	if _, err := asn1.Unmarshal(v, &a); err != nil {
		return
	}
	if len(a.Issuer.Bytes) > 0 {
		list := &value.List{}
		for rest := a.Issuer.Bytes; len(rest) > 0; {
			var n asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &n); err != nil {
				break
			}
			list.Append(generalName(n))
		}
		r.Set("authority_cert_issuer", list)
	}
	if a.Serial != nil {
		r.Set("authority_cert_serial_number", value.Int(a.Serial))
	}
}
