package cipher_test

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/cipher"
)

func TestSuitesAreChosenByOpenSSLsNames(t *testing.T) {
	got, err := cipher.Suites([]string{"ECDHE-RSA-AES128-SHA256", "NO-SUCH:AES128-SHA:AES128-SHA"})
	require.NoError(t, err)
	assert.Equal(t, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}, got)

	_, err = cipher.Suites([]string{"NO-SUCH"})
	assert.ErrorContains(t, err, "No cipher can be selected")
}
